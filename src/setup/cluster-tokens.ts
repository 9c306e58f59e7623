import { applicationSecrets } from "../secrets/applications";
import { neededSecrets } from "../secrets/secret-files";
import { givenValue } from "../secrets/secret-values";
import { actionsSecretName, PASSED_ON } from "../secrets/tokens";
import type { SetupContext } from "./context";

/** Tokens of the deployment that the cluster gets as well: whoever reads a Secret there could deploy and delete everything. */
export function checkClusterTokens({
  directory,
  project,
  settings,
  report,
}: Pick<SetupContext, "directory" | "project" | "settings" | "report">): void {
  const variables = settings();
  const shared = new Map<string, string[]>();
  for (const { name: environment } of project?.environments ?? []) {
    const deployment = Object.keys(PASSED_ON).flatMap((variable) => {
      const names = [actionsSecretName(environment, variable), variable];
      return names.flatMap((name) => (variables[name] ? [{ name, value: variables[name] }] : []));
    });
    for (const { name, namespace, values } of neededSecrets(directory, environment, applicationSecrets))
      for (const value of Object.values(values)) {
        if (!("variable" in value)) continue;
        const given = safely(() => givenValue(value.variable, { directory, environment, variables }));
        const same = deployment.find((one) => one.value === given);
        if (same === undefined) continue;
        const what = `${same.name} in ${namespace}/${name} (own variable: ${value.variable})`;
        shared.set(what, [...(shared.get(what) ?? []), environment]);
      }
  }
  for (const [what, environments] of shared)
    report.finding(
      "warning",
      "cluster-tokens",
      `the cluster of ${environments.join(" and of ")} gets a token of the deployment: ${what}. Whoever reads that Secret can deploy and delete with it`,
      "make a token of its own that may do less (docs/credentials.md), put it into .env under its own variable, and into a secret that exists with: npm run secrets -- edit",
    );
}

/** A value that can't be used is refused where it is used. */
function safely<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch {
    return undefined;
  }
}
