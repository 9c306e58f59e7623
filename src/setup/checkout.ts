import {
  checkoutStanding,
  courseFrom,
  describeStanding,
  pull,
  type Standing,
} from "../deployment/checkout-standing";
import type { SetupContext } from "./context";

const unfit = (state: "subfolder" | "unknown"): string =>
  state === "subfolder"
    ? "Flux can't be given this checkout"
    : "whether this checkout is behind is not known";

/** Whether a deploy from this checkout would be refused for where it stands to the branch that Flux reads. */
export async function checkCheckout({ project, directory, settings, report }: SetupContext): Promise<void> {
  if (project === undefined)
    return report.finding(
      "unchecked",
      "checkout",
      "the checkout is not compared: the configuration is not valid yet",
    );
  const variables = settings();
  let standing: Standing;
  try {
    standing = await checkoutStanding({ directory, project, variables });
  } catch (error) {
    // A GITHUB_BASE_URL that can't be used, which has a finding of its own.
    return report.finding(
      "unchecked",
      "checkout",
      `the checkout is not compared: ${(error as Error).message}`,
    );
  }
  const text = describeStanding(standing);
  if (text === undefined || standing.state === "alone" || standing.state === "in step")
    return report.finding(
      "ok",
      "checkout",
      "nothing that a deploy would take back is missing in this checkout",
    );
  const { course } = courseFrom(standing, {
    ifBehind: "ask",
    interactive: false,
    ci: variables.CI === "true",
  });
  const status = course === "refuse" ? "missing" : "warning";
  if (standing.state === "behind") report.finding(status, "checkout", text, pull(standing));
  else report.finding(status, "checkout", `${unfit(standing.state)}: ${standing.reason}`, standing.fix);
}
