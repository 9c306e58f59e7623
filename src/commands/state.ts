import { Command } from "commander";
import { hasDigitalOceanToken } from "../deployment/cloud-api";
import { brokenCluster } from "../deployment/cluster-health";
import { INTERRUPTED_EXIT_CODE } from "../deployment/interruption";
import { explainMissing, missingInAccount } from "../deployment/missing-objects";
import { selectStacks } from "../deployment/selection";
import {
  type Backup,
  backUp,
  checkStates,
  describeBackup,
  explainLost,
  findLostStates,
  listBackups,
  openStore,
  readBackup,
  type StackState,
  type StateStore,
  summarizeBackups,
} from "../state";
import { environmentOf } from "../terraform";
import { describeStacks } from "../workspace";
import { stateMigrateCommand } from "./state-migrate";
import { statePrepareCommand } from "./state-prepare";
import { restore } from "./state-restore";
import { stateUnlockCommand } from "./state-unlock";
import { inStateWorkspace, type StateOptions, type StateWork, stateSubcommand } from "./state-workspace";

/** Returns the exit code. */
type Action = (work: StateWork) => Promise<number>;

/** `npm run state -- check|list|backup|restore|prepare|migrate|unlock`: Terraform's states, their backups and their bucket. */
export function stateCommand(): Command {
  const result = new Command("state")
    .description("Check, back up and restore Terraform's states, which know what is deployed")
    .showHelpAfterError("(npm run state -- --help lists what it takes)");
  result.addCommand(
    subcommand(
      "check",
      "look at every state, its lock and its backups (exit code 0: all is well, 1: something is not)",
      { readOnly: true, action: check },
    ),
  );
  result.addCommand(subcommand("list", "list the backups of each stack", { readOnly: true, action: list }));
  result.addCommand(
    subcommand("backup", "keep a copy of each state now, as every deploy does before it changes something", {
      action: backup,
    }),
  );
  result.addCommand(
    subcommand("restore", "bring one stack's state back from a backup", { action: restore })
      .option("--backup <name>", "the backup to restore, as list names it, or latest")
      .option(
        "--force",
        "also over a state of another lineage, whose own things are forgotten, or from a backup that seems to be another stack's",
      )
      .option("--yes", "approve without a question; required where this is not a terminal")
      .option("--confirm <cluster...>", "for production, where nobody can type it: the name of its cluster"),
  );
  for (const make of [statePrepareCommand, stateMigrateCommand, stateUnlockCommand])
    result.addCommand(make());
  return result;
}

function subcommand(
  name: string,
  description: string,
  { readOnly = false, action }: { readonly readOnly?: boolean; readonly action: Action },
): Command {
  return stateSubcommand(name, description, ["selection", "sandbox", "json"]).action(
    (options: StateOptions) => {
      // A copy of a state lies in a temporary folder while it is restored, which is removed when the process ends in order.
      for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
        process.once(signal, () => process.exit(INTERRUPTED_EXIT_CODE));
      return inStateWorkspace(options, (workspace, output) => work({ workspace, output, options, action }), {
        readOnly,
      });
    },
  );
}

async function work({
  action,
  ...given
}: Pick<StateWork, "workspace" | "output" | "options"> & { readonly action: Action }): Promise<number> {
  const { workspace, options } = given;
  const [store, all] = await Promise.all([openStore(workspace), describeStacks(workspace)]);
  const names = selectStacks(all, { environments: options.environment, stacks: options.stack }).map(
    ({ name }) => name,
  );
  const selected = all.filter(({ name }) => names.includes(name));
  return action({ ...given, store, all, selected });
}

const NOTHING_DEPLOYED =
  " No stack has a state, though: nothing is deployed from here, or the states are somewhere else (docs/state.md#when-there-is-no-backup).";

async function check({ workspace, store, output, options, all, selected }: StateWork): Promise<number> {
  const report = await checkStates(
    workspace,
    store,
    all.map(({ name }) => name),
  );
  const narrowed = options.environment.length + options.stack.length > 0;
  const stacks = report.stacks.filter(
    ({ stack }) => !narrowed || selected.some(({ name }) => name === stack),
  );
  output.line(`States in ${report.store}`);
  output.line();
  const width = Math.max(0, ...stacks.map(({ stack }) => stack.length));
  for (const one of stacks)
    output.line(`${one.stack.padEnd(width)}  ${inWords(one)}; ${summarizeBackups(one.backups)}`);
  const missing = await missingInClouds(workspace, selected);
  const notes = [...report.notes, ...missing.notes, ...stacks.flatMap((one) => one.notes)];
  for (const note of notes) output.line(`\nNote: ${note}`);
  const findings = [...report.findings, ...stacks.flatMap((one) => one.findings), ...missing.findings];
  for (const finding of findings) output.problem(`\n${finding}`);
  output.line(
    findings.length === 0
      ? `\nNothing is wrong.${stacks.every(({ state }) => state === "absent") ? NOTHING_DEPLOYED : ""}`
      : `\n${findings.length} finding${findings.length === 1 ? "" : "s"}.`,
  );
  const exitCode = findings.length === 0 ? 0 : 1;
  output.result({ exitCode, ...report, findings: [...report.findings, ...missing.findings], stacks });
  return exitCode;
}

/** With a token at hand the states are compared with its account: what they have and it does not, or only broken, is a finding. */
async function missingInClouds(
  { variables }: StateWork["workspace"],
  selected: StateWork["selected"],
): Promise<{ findings: string[]; notes: string[] }> {
  if (!hasDigitalOceanToken(variables)) return { findings: [], notes: [] };
  const clusters = selected.filter(({ name }) => name === `${environmentOf({ name })}-cluster`);
  const results = await Promise.all(
    clusters.map((stack) =>
      missingInAccount({ stack, variables })
        .then(async (missing) => (missing ? [explainMissing(missing)] : brokenCluster(stack, variables)))
        .catch((error: Error) => error),
    ),
  );
  return {
    findings: results.flatMap((one) => (one instanceof Error ? [] : one)),
    notes: [
      ...new Set(
        results.flatMap((one) =>
          one instanceof Error ? [`The states were not compared with DigitalOcean: ${one.message}`] : [],
        ),
      ),
    ],
  };
}

function inWords({ state, resources, serial, configured, findings }: StackState): string {
  const words = {
    // With a finding it was deployed all the same.
    absent: findings.length === 0 ? "not deployed" : "no state",
    empty: "empty",
    damaged: "damaged",
    state:
      resources === 0 ? `nothing deployed, serial ${serial}` : `${resources} resources, serial ${serial}`,
  }[state];
  return configured ? words : `${words}, not in the configuration`;
}

async function list({ store, output, selected }: StateWork): Promise<number> {
  const stacks = [];
  for (const { name } of selected) {
    const backups = await listBackups(store, name);
    stacks.push({ stack: name, backups });
    output.heading(name);
    if (backups.length === 0) output.line("no backup yet");
    for (const one of backups) output.line(await describe(store, name, one));
  }
  output.result({ store: store.description, stacks });
  return 0;
}

async function describe(store: StateStore, stack: string, one: Backup): Promise<string> {
  return describeBackup(one, await readBackup(store, stack, one));
}

/** One stack whose state can't be copied doesn't keep the others from it. */
async function backup({ workspace, store, output, selected }: StateWork): Promise<number> {
  const stacks = [];
  const lost = await findLostStates(
    store,
    selected.map(({ name }) => name),
    workspace.project,
  );
  for (const { name } of selected) {
    try {
      // Of two states with one lineage this command says which is right; one with another environment's cluster never is.
      const foreign = lost.find(({ stack, foreign }) => stack === name && foreign?.because === "name");
      if (foreign) throw new Error(`no backup is made: ${explainLost(foreign, store, workspace)}`);
      const result = await backUp(store, name);
      output.line(
        `${name}: ${result.made ? `kept as ${result.backup.name}` : `no new backup, ${result.because}`}`,
      );
      for (const note of result.made ? result.notes : []) output.problem(note);
      stacks.push({ stack: name, ...result });
    } catch (error) {
      output.problem(`${name}: ${(error as Error).message}`);
      stacks.push({ stack: name, made: false, problem: (error as Error).message });
    }
  }
  const exitCode = stacks.some((one) => "problem" in one) ? 1 : 0;
  output.result({ exitCode, store: store.description, stacks });
  return exitCode;
}
