import type { Variables } from "../terraform";
import { checkCheckout } from "./checkout";
import { checkClusterTokens } from "./cluster-tokens";
import { checkConfiguration, readFacts } from "./configuration";
import type { Questions, SetupContext, SetupOptions, StatePreparation } from "./context";
import { askForCredentials, checkCredentials, checkPlanCredentials } from "./credentials";
import { checkDroplets } from "./droplets";
import { prepareFiles } from "./files";
import { checkGitHubPlan } from "./github-plan";
import { checkNameServers } from "./name-servers";
import type { Report, Result } from "./report";
import { checkSecrets } from "./secrets";
import { checkDotenv, readSettings } from "./settings";
import { checkState } from "./state";
import { checkTools } from "./tools";
import { checkVpcRanges } from "./vpc-ranges";

export type { Questions, SetupOptions, StatePreparation } from "./context";
export { type Finding, Report, type Result, type Status } from "./report";
export { MINIMUM, versionAtLeast } from "./tools";

/** What setup works on, and with. */
export interface Setup {
  /** The checkout. */
  readonly directory: string;
  readonly options: SetupOptions;
  readonly environment: Variables;
  readonly report: Report;
  readonly questions: Questions;
  readonly states: StatePreparation;
  /** The name server to ask, as `address:port`; default: the machine's. */
  readonly nameServer?: string;
}

/** Everything that a deployment needs. One section after the other, none skipped because of another's findings. */
export async function setup(given: Setup): Promise<Result> {
  const { report, directory, environment } = given;
  report.section("Files");
  await prepareFiles(given);
  const facts = readFacts(directory);
  const base: SetupContext = {
    ...given,
    facts,
    project: undefined,
    settings: () => readSettings(directory, environment),
  };
  report.section("Tools");
  await checkTools(base);
  report.section("Configuration");
  const context: SetupContext = { ...base, project: checkConfiguration(base) };
  report.section("Credentials");
  checkDotenv(context);
  await askForCredentials(context);
  const digitalOcean = await checkCredentials(context);
  await checkPlanCredentials(context);
  report.section("Account");
  await checkDroplets(context, digitalOcean);
  await checkVpcRanges(context, digitalOcean);
  await checkNameServers(context);
  await checkGitHubPlan(context);
  await checkState(context);
  report.section("Checkout");
  await checkCheckout(context);
  report.section("Secrets of the applications");
  await checkSecrets(context);
  checkClusterTokens(context);
  return report.conclude();
}
