import type { GitHubRepository } from "../../config";
import { listOf } from "../../place";
import { addressOf } from "../followed-branch";
import { changedParts } from "../followed-repository";
import type { Danger, DangerContext, Finding } from "./danger";

/**
 * Another repository or branch for an environment that is deployed. `flux bootstrap` points Flux at it, makes it when it isn't there,
 * and prunes: what is not in its tree is deleted from the cluster.
 */
export const changedRepository: Danger = ({ deployed, workspace }) => {
  const { project } = workspace;
  const { github } = project;
  if (github === undefined) return [];
  return project.environments.flatMap(({ name }): Finding[] => {
    const now = deployed.get(name)?.github ?? {};
    const changed = changedParts(now, github);
    if (changed.length === 0) return [];
    const wanted = `branch ${github.branch} of ${github.owner}/${github.repository}`;
    const set = listOf(changed.map((part) => `github.${part} to "${now[part]}"`));
    return [
      {
        kind: "repository-change",
        environment: name,
        field: changed.map((part) => `github.${part}`).join(", "),
        problem: `Flux in ${name} follows branch ${now.branch ?? github.branch} of ${now.owner ?? github.owner}/${now.repository ?? github.repository}, and would follow ${wanted}.`,
        consequence: `What isn't there under flux/clusters/${name} Flux deletes from the cluster: every application, with its load balancer, addresses and certificates. Volumes stay only where the tree says so (prune: disabled).`,
        remedy: `set ${set} again. ${wayToMove(workspace, github, changed)}`,
        allowed:
          "Flux is pointed there only when the remote origin is that repository, and its branch has the configuration, flux/ and secrets/ of this checkout.",
      },
    ];
  });
};

/** How to follow another place for real. A sandbox has no repository of its own: git would work on the checkout's. */
function wayToMove(
  { npmRun, sandbox, variables }: DangerContext["workspace"],
  github: GitHubRepository,
  changed: readonly string[],
): string {
  const deploy = npmRun("deploy", "--allow", "repository-change");
  if (sandbox !== undefined) return `To move (a sandbox pushes nothing): ${deploy}`;
  const push = `git push origin HEAD:${github.branch}`;
  const onlyBranch = changed.every((part) => part === "branch");
  const [why, first] = onlyBranch
    ? ["To move", push]
    : [
        "To move, or when it was renamed at GitHub",
        `git remote set-url origin ${addressOf(github, variables)}, then ${push}`,
      ];
  return `${why}: bring this checkout's tree there first (${first}), then ${deploy}`;
}
