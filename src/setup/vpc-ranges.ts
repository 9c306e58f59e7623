import { configuredRanges, overlapsInAccount } from "../deployment/taken-ranges";
import type { SetupContext } from "./context";
import type { Api } from "./requests";

const CHECK = "vpc-ranges";

/** Compares the configured ranges of VPCs with those of the account, as a deploy that creates one does. */
export async function checkVpcRanges(
  { report, project, settings }: Pick<SetupContext, "report" | "project" | "settings">,
  api: Api | undefined,
): Promise<void> {
  const wanted = project === undefined ? [] : configuredRanges(project);
  if (wanted.length === 0 || api === undefined) return;
  try {
    const overlaps = await overlapsInAccount(wanted, settings());
    for (const { problem, fix } of overlaps) report.finding("missing", CHECK, problem, fix);
    if (overlaps.length === 0)
      report.finding("ok", CHECK, "the configured IP ranges overlap nothing else in the account");
  } catch (error) {
    report.finding(
      "unchecked",
      CHECK,
      `the configured IP ranges are not compared with those of the account: ${(error as Error).message}`,
    );
  }
}
