import { App } from "cdktf";
import type { Project } from "../config";
import type { PublishedSecrets } from "../secrets/published";
import { ClusterStack } from "./cluster-stack";
import { FluxConfigurationStack, type StaticConfiguration } from "./flux-configuration-stack";
import { GitHubSecretsStack } from "./github-secrets-stack";

/** Everything that the synthesized files depend on; nothing else is read. */
export interface SynthesisInput {
  readonly project: Project;
  readonly staticConfiguration: StaticConfiguration;
  /** Sealed and public values per environment, as far as they exist. */
  readonly published: Readonly<Record<string, PublishedSecrets | undefined>>;
  /** Per environment, the public halves of the keys that Flux needs in its cluster: none until there are secrets, two during a rotation. */
  readonly ageRecipients?: Readonly<Record<string, readonly string[]>>;
  /** Where cdktf writes; default: CDKTF_OUTDIR or cdktf.out. */
  readonly outdir?: string;
}

/** Writes the stacks of every environment: cluster → flux-configuration → github-secrets (with `github` only). */
export function synthesize({
  project,
  staticConfiguration,
  published,
  ageRecipients = {},
  outdir,
}: SynthesisInput): void {
  const app = new App({ outdir });
  for (const environment of project.environments) {
    const cluster = new ClusterStack(app, { project, environment });
    const { clusterId, clusterName } = cluster;
    const flux = new FluxConfigurationStack(app, {
      project,
      environment,
      clusterId,
      clusterName,
      staticConfiguration,
      ageRecipients: ageRecipients[environment.name],
    });
    if (!project.github) continue;
    new GitHubSecretsStack(app, {
      project,
      environment,
      github: project.github,
      clusterId,
      clusterName,
      fluxNamespace: flux.namespace,
      published: published[environment.name],
    });
  }
  app.synth();
}
