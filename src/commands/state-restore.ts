import { clusterName, nearest } from "../config";
import { isProduction } from "../deployment/dangers";
import {
  type Backup,
  describeBackup,
  describeFile,
  listBackups,
  newestOwn,
  placeIn,
  planRestoration,
  type Restoration,
  readBackup,
  restoreBackup,
} from "../state";
import { ask, confirm, isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import { environmentOf } from "../terraform";
import type { DescribedStack } from "../workspace";
import { clusterNameIsTyped } from "./cluster-name";
import type { StateWork } from "./state-workspace";

/** `npm run state -- restore`: brings one stack's state back from a backup. Returns the exit code. */
export async function restore(work: StateWork): Promise<number> {
  const { workspace, store, output, options, selected } = work;
  const [stack] = selected;
  if (options.stack.length !== 1 || stack === undefined || selected.length !== 1)
    throw new Error(
      `Name the one stack to restore: ${workspace.npmRun("state", "restore", "--stack", stack?.name ?? "<stack>")}`,
    );
  const chosen = await choose(work, stack.name);
  if (chosen === undefined) return 1;
  const restoration = await planRestoration(store, stack.name, chosen, workspace.project);
  show(output, restoration);
  if (restoration.foreign && !options.force)
    throw new Error(
      `${stack.name}: the backup ${restoration.foreign}. Choose another one: ${workspace.npmRun("state", "list", "--stack", stack.name)}. If you mean it: --force`,
    );
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
    output.line(`What was there before is kept in ${placeIn(store, restored.safetyCopy)}.`);
  for (const note of restored.notes) output.problem(note);
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
  if (options.backup === "latest") return (await newestOwn(store, stack, workspace.project)) ?? newest;
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
    output.line(
      `${String(index + 1).padStart(2)}  ${describeBackup(one, await readBackup(store, stack, one))}`,
    );
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
    "\nThis needs approval, but this is not a terminal. Pass --yes to restore without a question.",
  );
  return false;
}
