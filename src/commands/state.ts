import { Command } from "commander";
import { clusterName, nearest } from "../config";
import { isProduction } from "../deployment/dangers";
import { selectStacks } from "../deployment/selection";
import {
  type Backup,
  backUp,
  checkStates,
  describeBackup,
  describeFile,
  listBackups,
  newestUsable,
  openStore,
  planRestoration,
  type Restoration,
  readBackup,
  restoreBackup,
  type StackState,
  type StateStore,
  summarizeBackups,
} from "../state";
import { ask, confirm, isInteractive } from "../terminal/confirm";
import { Output } from "../terminal/output";
import { environmentOf } from "../terraform";
import { type DescribedStack, describeStacks, openWorkspace, type Workspace } from "../workspace";
import { clusterNameIsTyped } from "./cluster-name";
import { type CommonOptions, command, sandboxName } from "./options";
import { stateMigrateCommand } from "./state-migrate";
import { statePrepareCommand } from "./state-prepare";
import { stateUnlockCommand } from "./state-unlock";

interface StateOptions extends CommonOptions {
  readonly backup?: string;
  readonly force?: boolean;
  readonly confirm?: string[];
}

/** What a subcommand works with. */
interface StateWork {
  readonly workspace: Workspace;
  readonly store: StateStore;
  readonly output: Output;
  readonly options: StateOptions;
  readonly all: readonly DescribedStack[];
  readonly selected: readonly DescribedStack[];
}

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
      .option("--force", "also over a state of another lineage: what only that one knows is forgotten")
      .option("-y, --yes", "ask nothing")
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
  return command(name, description, ["selection", "sandbox", "json"])
    .showHelpAfterError(`(npm run state -- ${name} --help lists what it takes)`)
    .exitOverride()
    .action((options: StateOptions) => inWorkspace(options, { readOnly, action }));
}

async function inWorkspace(
  options: StateOptions,
  { readOnly, action }: { readonly readOnly: boolean; readonly action: Action },
): Promise<void> {
  const output = new Output(options.json ?? false);
  const workspace = await openWorkspace({
    command: "state",
    sandbox: sandboxName(options),
    readOnly,
    existing: true,
    // It reaches the store of the states and no cloud.
    online: false,
  });
  try {
    const [store, all] = await Promise.all([openStore(workspace), describeStacks(workspace)]);
    const names = selectStacks(all, { environments: options.environment, stacks: options.stack }).map(
      ({ name }) => name,
    );
    const selected = all.filter(({ name }) => names.includes(name));
    process.exitCode = await action({ workspace, store, output, options, all, selected });
  } finally {
    await workspace.close();
  }
}

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
  const notes = [...report.notes, ...stacks.flatMap((one) => one.notes)];
  for (const note of notes) output.line(`\nNote: ${note}`);
  const findings = [...report.findings, ...stacks.flatMap((one) => one.findings)];
  for (const finding of findings) output.problem(`\n${finding}`);
  output.line(
    findings.length === 0
      ? "\nNothing is wrong."
      : `\n${findings.length} finding${findings.length === 1 ? "" : "s"}.`,
  );
  const exitCode = findings.length === 0 ? 0 : 1;
  output.result({ exitCode, ...report, stacks });
  return exitCode;
}

function inWords({ state, resources, serial, configured }: StackState): string {
  const words = {
    absent: "not deployed",
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
async function backup({ store, output, selected }: StateWork): Promise<number> {
  const stacks = [];
  for (const { name } of selected) {
    try {
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

async function restore(work: StateWork): Promise<number> {
  const { workspace, store, output, options, selected } = work;
  const [stack] = selected;
  if (options.stack.length !== 1 || stack === undefined || selected.length !== 1)
    throw new Error(
      `Name the one stack to restore: ${workspace.npmRun("state", "restore", "--stack", stack?.name ?? "<stack>")}`,
    );
  const chosen = await choose(work, stack.name);
  if (chosen === undefined) return 1;
  const restoration = await planRestoration(store, stack.name, chosen);
  show(output, restoration);
  if (restoration.otherLineage && !options.force)
    throw new Error(
      `${stack.name}: the backup is of another lineage than the state that is there, so that one is no older copy of the other. What only the present state knows would be managed by nobody. If you mean it: --force`,
    );
  if (!(await approved(work, stack))) {
    output.problem("Nothing was restored.");
    output.result({ exitCode: 1, stack: stack.name, backup: chosen.name, restored: false });
    return 1;
  }
  const restored = await restoreBackup(restoration, { store, stack, variables: workspace.variables });
  output.line(`\nRestored: ${stack.name} has the state of ${chosen.name}, as serial ${restored.serial}.`);
  if (restored.safetyCopy)
    output.line(`What was there before is kept in ${store.description}${restored.safetyCopy}.`);
  output.line(
    `Next: ${workspace.npmRun("diff")}, which shows what the clouds have and this state doesn't say.`,
  );
  output.result({ exitCode: 0, stack: stack.name, backup: chosen.name, restored: true, ...restored });
  return 0;
}

/** The backup that is named, or the one that is picked from the list. */
async function choose(
  { workspace, store, output, options }: StateWork,
  stack: string,
): Promise<Backup | undefined> {
  const backups = await listBackups(store, stack);
  const [newest] = backups;
  if (newest === undefined)
    throw new Error(
      `${stack}: there is no backup of its state in ${store.description}. docs/state.md#when-there-is-no-backup says what to do.`,
    );
  if (options.backup === "latest") return (await newestUsable(store, stack))?.backup ?? newest;
  if (options.backup !== undefined) {
    const named = backups.find(({ name }) => name === options.backup);
    if (named) return named;
    const near = nearest(
      options.backup,
      backups.map(({ name }) => name),
    );
    throw new Error(
      `--backup ${options.backup}: there is no such backup of ${stack}, expected ${near.length > 0 ? near.join(" or ") : `latest or one of ${backups.map(({ name }) => name).join(", ")}`}`,
    );
  }
  output.heading(`Backups of ${stack}, the newest first`);
  for (const [index, one] of backups.entries())
    output.line(`${String(index + 1).padStart(2)}  ${await describe(store, stack, one)}`);
  if (!isInteractive()) {
    output.problem(
      `\nName one of them, or the newest: ${workspace.npmRun("state", "restore", "--stack", stack, "--backup", "latest")}`,
    );
    return undefined;
  }
  const answer = await ask(`\nWhich one? (1 to ${backups.length}, nothing else restores anything) `);
  return /^\d+$/.test(answer ?? "") ? backups[Number(answer) - 1] : undefined;
}

function show(
  output: Output,
  { stack, backup: chosen, state, present, returning, forgotten }: Restoration,
): void {
  output.heading(`Restore ${stack}`);
  output.line(`now     ${describeFile(present)}`);
  output.line(`backup  ${describeBackup(chosen, state)}`);
  const lines = (title: string, addresses: readonly string[]): void => {
    if (addresses.length === 0) return;
    output.line(`\n${title}`);
    for (const address of addresses) output.line(`  ${address}`);
  };
  lines("In the backup and not in the present state; Terraform knows them again:", returning);
  lines(
    "In the present state and not in the backup; Terraform no longer knows them, though they stay in the cloud:",
    forgotten,
  );
  if (returning.length + forgotten.length === 0) output.line("\nBoth have the same resources.");
}

async function approved({ workspace, options, output }: StateWork, stack: DescribedStack): Promise<boolean> {
  const environment = environmentOf(stack);
  const { project } = workspace;
  if (isProduction(project, environment)) {
    const name = clusterName(project.name, environment);
    return options.confirm?.includes(name) || clusterNameIsTyped(name, output, "--yes");
  }
  if (options.yes) return true;
  if (isInteractive()) return confirm("\nRestore it? Only yes does.");
  output.problem(
    "\nThis has to be approved, and nobody is at the keyboard: add --yes to restore without a question.",
  );
  return false;
}
