import { environmentOf } from "../../terraform";
import {
  type Danger,
  type DangerContext,
  environmentField,
  type Finding,
  GIVE_UP_PRODUCTION,
  isProduction,
} from "./danger";

/**
 * Stacks that are deployed and no longer in the configuration: their environment was taken out or renamed, or `github` was taken out.
 * No plan shows them.
 */
export const environmentRemoval: Danger = ({ orphans, workspace }) => {
  const { project, configurationName } = workspace;
  const environments = [...new Set(orphans.map((name) => environmentOf({ name })))];
  return environments.map((environment): Finding => {
    const own = orphans.filter((name) => environmentOf({ name }) === environment);
    const onlyGitHub = project.environments.some(({ name }) => name === environment);
    const [it, is] = own.length === 1 ? ["it", "is"] : ["them", "are"];
    return {
      kind: "environment-removal",
      environment,
      field: onlyGitHub ? "github" : environmentField(project, environment),
      problem: `${own.join(", ")} ${is} deployed, but no longer in ${configurationName}${onlyGitHub ? "" : " (taken out or renamed)"}.`,
      consequence: `No plan touches ${it}: what runs there is unmanaged and still billed${
        onlyGitHub ? "" : ". Under another name everything would be created a second time, without the data"
      }.`,
      remedy: wayOut(String(own[0]), workspace),
      allowed: `${own.length === 1 ? "it stays as it is" : "they stay as they are"}, and the rest is deployed.`,
    };
  });
};

/**
 * What to do about a stack that is deployed and no longer configured, with what else of its environment isn't. A stack is destroyed by its
 * description, so it comes back first.
 */
export function wayOut(
  stack: string,
  {
    project,
    configurationName,
    npmRun,
  }: Pick<DangerContext["workspace"], "project" | "configurationName" | "npmRun">,
): string {
  const environment = environmentOf({ name: stack });
  const onlyGitHub = project.environments.some(({ name }) => name === environment);
  const back = `put ${onlyGitHub ? '"github"' : environment} back into ${configurationName}${onlyGitHub ? "" : ", and its folders into flux/"}`;
  if (isProduction(project, environment))
    return `${back}. No command destroys production: ${GIVE_UP_PRODUCTION} says how to give it up.`;
  const destroy = onlyGitHub
    ? npmRun("destroy", "--stack", stack)
    : npmRun("destroy", "--environment", environment);
  return `${back}. To get rid of it: put it back, run ${destroy}, then take it out again.`;
}
