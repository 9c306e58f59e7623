import { spawn, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { relative } from "node:path";
import { gitHubWeb } from "../api-client";
import { kubectlReader, withKubeconfig } from "../cluster";
import type { GitHubRepository } from "../config";
import { isGitHubUser } from "../secrets/github-api";
import { deployKeyFile } from "../secrets/private-files";
import type { Variables } from "../terraform";
import { changedParts, FLUX_SOURCE_PATH, type FluxSource, sourceRepository } from "./followed-repository";

export interface Bootstrap {
  readonly directory: string;
  readonly environment: string;
  readonly github: GitHubRepository;
  readonly clusterId: string;
  readonly variables: Variables;
  /** Somebody means it that Flux follows another repository or branch from now on. */
  readonly anotherRepository?: boolean;
}

/** Longer than flux waits for anything: five minutes per step. */
const LIFETIME_SECONDS = 3600;

/** The arguments of `flux bootstrap github` for an environment. Safe to repeat: it changes only what differs. */
export function bootstrapArguments(
  {
    directory,
    environment,
    github,
    variables,
  }: Pick<Bootstrap, "directory" | "environment" | "github" | "variables">,
  personal: boolean,
): string[] {
  const { host } = new URL(gitHubWeb(variables));
  const key = deployKeyFile(directory, environment);
  return [
    "bootstrap",
    "github",
    // Else flux asks github.com, with the token of a GitHub Enterprise.
    ...(host === "github.com" ? [] : [`--hostname=${host}`]),
    `--owner=${github.owner}`,
    `--repository=${github.repository}`,
    `--branch=${github.branch}`,
    `--path=flux/clusters/${environment}`,
    // Without the private half on this machine, bootstrap goes on with the one that is in the cluster.
    ...(existsSync(key) ? [`--private-key-file=${relative(directory, key)}`] : []),
    ...(personal ? ["--personal"] : []),
  ];
}

/** Why flux can't be bootstrapped from here; undefined when it can. */
export function bootstrapObstacle(variables: Variables): string | undefined {
  if (!variables.GITHUB_TOKEN) return "GITHUB_TOKEN is not set";
  const found = spawnSync("flux", ["--version"], { env: variables as NodeJS.ProcessEnv, stdio: "ignore" });
  return found.error ? "the flux CLI is not installed" : undefined;
}

/**
 * Runs `flux bootstrap github` against an environment's cluster, with credentials that are fetched for this one run and
 * deleted after it. What flux prints comes through this process, which prints no secret: flux has the token, and the key of the repository.
 * @throws Error with what to do; also when the cluster's Flux follows another repository or branch, which only the cluster knows for certain
 */
export async function bootstrapFlux(bootstrap: Bootstrap): Promise<void> {
  const { directory, github, variables } = bootstrap;
  const personal = await isGitHubUser(github.owner, variables);
  const access = { clusterId: bootstrap.clusterId, variables, lifetimeSeconds: LIFETIME_SECONDS };
  await withKubeconfig(access, async (kubeconfig) => {
    if (!bootstrap.anotherRepository) await refuseAnother(bootstrap, kubeconfig);
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn("flux", bootstrapArguments(bootstrap, personal), {
        cwd: directory,
        env: { ...variables, KUBECONFIG: kubeconfig } as NodeJS.ProcessEnv,
        stdio: ["ignore", "pipe", "pipe"],
      });
      child.stdout.on("data", (part: Buffer) => process.stdout.write(part));
      child.stderr.on("data", (part: Buffer) => process.stderr.write(part));
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0)
      throw new Error(
        `flux bootstrap failed for ${bootstrap.environment} (see above); everything else is deployed, and the next deploy tries it again`,
      );
  });
}

async function refuseAnother(
  { environment, github, variables }: Bootstrap,
  kubeconfig: string,
): Promise<void> {
  const source = await kubectlReader(kubeconfig, variables).get<FluxSource>(FLUX_SOURCE_PATH);
  if (source === undefined) return;
  const now = sourceRepository(source);
  if (changedParts(now, github).length === 0) return;
  throw new Error(
    `Flux was not installed again: in ${environment} it follows branch ${now.branch} of ${now.owner}/${now.repository}, and the configuration says branch ${github.branch} of ${github.owner}/${github.repository}. What isn't there under flux/clusters/${environment} it would delete from the cluster. Set "github" in the configuration to what Flux follows, or add --allow repository-change when the move is meant.`,
  );
}
