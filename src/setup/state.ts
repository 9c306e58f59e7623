import type { SetupContext } from "./context";
import { isUnreadable, settingOf } from "./settings";

const FIX = "npm run state -- prepare makes the bucket and its key (so does ./setup.sh --yes)";

const KEY = [
  ["spaces-key", "SPACES_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"],
  ["spaces-secret", "SPACES_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"],
] as const;

/** Where the states are, and their bucket where the configuration wants one: creating it and a key for it, or looking at what is there. */
export async function checkState(context: SetupContext): Promise<void> {
  const { facts, report, settings } = context;
  if (facts.backend === "local" && facts.github) {
    report.section("State");
    report.finding(
      "warning",
      "state",
      "the states are in state/ on this machine only: a colleague would begin with states of their own, and the workflows at GitHub can't plan",
      "alone and without the workflows that is fine; otherwise docs/state.md#a-bucket-for-a-team",
    );
  }
  if (facts.backend !== "spaces") return;
  report.section("State");
  // A key that is there would be made a second time, and the new one could not be kept.
  if (KEY.some(([, ...names]) => names.some((name) => isUnreadable(context, name)))) {
    report.finding(
      "unchecked",
      "state",
      "the bucket of the states is not looked at: its key in .env can't be read",
    );
    return;
  }
  await prepareStates(context);
  const found = KEY.map(([check, ...names]) => ({ check, names, setting: settingOf(settings(), ...names) }));
  if (found.every(({ setting }) => setting === undefined)) {
    report.finding(
      "missing",
      "spaces-key",
      "SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY are not set",
      FIX,
    );
    return;
  }
  for (const { check, names, setting } of found)
    if (setting === undefined) report.finding("missing", check, `${names[0]} is not set`, FIX);
    else report.finding("ok", check, `${setting.name} is set`);
}

async function prepareStates(context: SetupContext): Promise<void> {
  const { project, report, states, settings } = context;
  if (project === undefined) {
    report.finding(
      "unchecked",
      "state",
      "the bucket of the states is not looked at: the configuration is not valid yet",
    );
    return;
  }
  const check = !(await wantsBucket(context));
  const hasKey = KEY.every(([, ...names]) => settingOf(settings(), ...names) !== undefined);
  const problem = await states(project, {
    check,
    variables: settings(),
    tell: ({ check: what, status, message, fix }) => {
      if (status === "changed") report.changed(message);
      // A key that isn't set is reported once, by checkState.
      else if (what !== "key" || status !== "missing" || hasKey)
        report.finding(status, `state-${what}`, oneLine(message), fix && oneLine(fix));
    },
  });
  if (problem !== undefined) report.finding("missing", "state-problem", oneLine(problem));
}

/** A bucket and keys are made only when somebody says so, by --yes or at the terminal. */
async function wantsBucket({ options, questions }: SetupContext): Promise<boolean> {
  if (options.check) return false;
  if (options.yes) return true;
  if (!options.ask) return false;
  return questions.agrees(
    "  Make the bucket of the states and a key for it, or mend what is there? For a moment this needs a key\n  with full access to your buckets, which is deleted again. [Y/n] ",
  );
}

const oneLine = (text: string): string => text.replace(/\s+/g, " ");
