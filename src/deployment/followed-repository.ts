import type { KubernetesObject } from "../cluster";
import type { GitHubRepository } from "../config";
import { openStore, parseState } from "../state";
import type { StateDocument } from "../terraform";
import type { Workspace } from "../workspace";
import { deployedValue } from "./deployed-value";

/** The repository that Flux follows, as the state has it; undefined where the state doesn't have it. */
export interface DeployedRepository {
  readonly owner?: string;
  readonly repository?: string;
  readonly branch?: string;
}

/**
 * What a state has of the repository. The owner is the provider's, and stands only in the address of the webhook in GitHub's API. Where
 * GitHub offers no environments, the webhook and the title of the deploy key tell the rest.
 */
export function deployedRepository(state: StateDocument): DeployedRepository {
  const webhook = deployedValue(state, "github_repository_webhook", "url");
  const title = deployedValue(state, "github_repository_deploy_key", "title");
  return {
    owner: /\/repos\/([^/]+)\//.exec(webhook ?? "")?.[1],
    repository:
      deployedValue(state, "github_repository_environment", "repository") ??
      deployedValue(state, "github_repository_webhook", "repository"),
    branch:
      deployedValue(state, "github_repository_environment_deployment_policy", "branch_pattern") ??
      /^flux-system-(.+)-flux-system-\.\/flux\/clusters\//.exec(title ?? "")?.[1],
  };
}

/** The end of an address that Git or Flux uses, whatever the host: `git@github.com:acme/platform.git`. */
export function repositoryAt(address: string): Pick<DeployedRepository, "owner" | "repository"> {
  const [repository, owner] = address
    .replace(/(?:\.git)?\/*$/, "")
    .split(/[/:]/)
    .reverse();
  return { owner, repository };
}

/** What Flux's own source in a cluster follows. */
export interface FluxSource extends KubernetesObject {
  readonly spec?: { readonly url?: string; readonly ref?: { readonly branch?: string } };
}

/** Where `flux bootstrap` keeps it. */
export const FLUX_SOURCE_PATH =
  "/apis/source.toolkit.fluxcd.io/v1/namespaces/flux-system/gitrepositories/flux-system";

/** The repository that a cluster says Flux follows. */
export function sourceRepository({ spec }: FluxSource): DeployedRepository {
  return { ...repositoryAt(spec?.url ?? ""), branch: spec?.ref?.branch };
}

/** What differs. GitHub tells names of owners and repositories apart without their case, those of branches with it. */
export function changedParts(
  now: DeployedRepository,
  wanted: Pick<GitHubRepository, keyof DeployedRepository>,
): Array<keyof DeployedRepository> {
  const parts = ["owner", "repository", "branch"] as const;
  return parts.filter((part) => {
    const deployed = now[part];
    if (deployed === undefined) return false;
    return part === "branch"
      ? deployed !== wanted.branch
      : deployed.toLowerCase() !== wanted[part].toLowerCase();
  });
}

/**
 * Whether an environment is deployed with another repository or branch than the configuration has. A state that can't be read says
 * nothing here.
 * @throws Error when the states can't be reached
 */
export async function followsAnother(
  workspace: Pick<Workspace, "directory" | "project" | "variables">,
  environment: string,
): Promise<boolean> {
  const { github } = workspace.project;
  if (github === undefined) return false;
  const store = await openStore(workspace);
  const file = parseState(await store.read(`${environment}-github-secrets.tfstate`));
  return file.kind === "state" && changedParts(deployedRepository(file.document), github).length > 0;
}
