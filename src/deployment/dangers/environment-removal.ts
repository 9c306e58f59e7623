import { environmentOf } from "../../terraform";
import { type Danger, environmentField, type Finding, GIVE_UP_PRODUCTION, isProduction } from "./danger";

/**
 * Stacks that are deployed and no longer in the configuration: their environment was taken out or renamed, or `github` was taken out.
 * No plan shows them.
 */
export const environmentRemoval: Danger = ({
  orphans,
  workspace: { project, configurationName, npmRun },
}) => {
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
      consequence: `No plan touches ${it}: what runs there goes on, costs money and gets no change any more${
        onlyGitHub ? "" : "; under another name everything would be made a second time, without the data"
      }.`,
      remedy: `put ${onlyGitHub ? '"github"' : environment} back into the configuration. To get rid of ${it}, destroy ${it} before you take it out: ${
        isProduction(project, environment)
          ? `production is protected from that, and ${GIVE_UP_PRODUCTION} says how`
          : onlyGitHub
            ? npmRun("destroy", "--stack", own[0] ?? "")
            : npmRun("destroy", "--environment", environment)
      }`,
    };
  });
};
