import { npmRunIn } from "../../place";
import { describeFile, parseState, type ReadableState } from "../state-file";
import type { StateStore } from "../state-store";

/** A store that states are moved to or from. */
export interface MigrationStore extends StateStore {
  /** Writes a file unless there is one of that name. Returns whether it did. */
  create(name: string, content: Buffer): Promise<boolean>;
  /** Puts a file out of use: into the folder `retired`, never away. */
  retire(name: string): Promise<void>;
}

/** Where retired states are in either store. */
export const RETIRED_FOLDER = "retired";

/** What is to be done with one state. */
export interface MigrationStep {
  /** Its file, `staging-cluster.tfstate`. */
  readonly name: string;
  /** `write`: the target has none, or an older one of the same lineage; `there`: an earlier run has written it. */
  readonly action: "write" | "there" | "empty";
  readonly content: Buffer;
  readonly state?: ReadableState;
  /** The target has an older one, which is replaced. */
  readonly replaces?: ReadableState;
}

/** Thrown before anything is touched: every state that speaks against the migration. */
export class MigrationRefused extends Error {
  constructor(readonly problems: readonly string[]) {
    super(`Nothing was moved:\n\n${problems.map((problem) => `  - ${problem}`).join("\n")}`);
    this.name = "MigrationRefused";
  }
}

/**
 * Compares every state of one store with the other store, and says what is to be done. Changes nothing.
 * @throws MigrationRefused when one of them must not be moved
 */
export async function planMigration(
  source: MigrationStore,
  target: MigrationStore,
): Promise<MigrationStep[]> {
  const names = (await source.list("")).filter((name) => name.endsWith(".tfstate"));
  const [sourceFiles, targetFiles] = [await source.list(""), await target.list("")];
  const workspace = source.workspace ?? target.workspace ?? "";
  const problems: string[] = [];
  const steps: MigrationStep[] = [];
  for (const name of names) {
    for (const [store, files] of [
      [source, sourceFiles],
      [target, targetFiles],
    ] as const)
      if (files.includes(`${name}.tflock`))
        problems.push(
          `${name}: ${store.description} has a lock on it: somebody deploys, or a deploy has crashed. Wait until it has ended; ${npmRunIn(workspace, "state", "check")} says whose it is, and how to remove one that was left behind`,
        );
    const content = (await source.read(name)) ?? Buffer.alloc(0);
    const step = await planStep(name, content, source, target);
    if (typeof step === "string") problems.push(`${name}: ${step}`);
    else steps.push(step);
  }
  if (problems.length > 0) throw new MigrationRefused(problems);
  return steps;
}

async function planStep(
  name: string,
  content: Buffer,
  source: MigrationStore,
  target: MigrationStore,
): Promise<MigrationStep | string> {
  const state = parseState(content);
  if (state.kind === "damaged")
    return `${source.description} has one that is ${describeFile(state)}. Bring it back first: ${npmRunIn(source.workspace ?? "", "state", "restore", "--stack", name.replace(/\.tfstate$/, ""))}`;
  // Terraform leaves an empty file behind where a first deploy ended before it had made anything.
  if (state.kind !== "state") return { name, action: "empty", content };
  const found = await target.read(name);
  const there = parseState(found);
  switch (there.kind) {
    case "absent":
    case "empty":
      return { name, action: "write", content, state };
    case "damaged":
      return `${target.description} has one that is ${describeFile(there)}. Remove or restore it first`;
  }
  const both = `here ${describeFile(state)}; there ${describeFile(there)}`;
  if (there.lineage !== state.lineage)
    return `${target.description} has one of another lineage, which knows other resources (${both}). One of them must go: it is no copy of the other. Look which one is right, and move the other one away by hand`;
  if (found?.equals(content)) return { name, action: "there", content, state };
  if (there.serial >= state.serial)
    return `${target.description} has ${there.serial > state.serial ? "a newer one" : "another one with the same serial"} (${both}): deploys went on there. Move the one in ${source.description} away by hand when that one is right`;
  return { name, action: "write", content, state, replaces: there };
}

export interface MigrationOptions {
  readonly source: MigrationStore;
  readonly target: MigrationStore;
  /** Called after each step, with what was done. */
  readonly told?: (text: string) => void;
  /** Called when every state is verified, before the first is put out of use. */
  readonly verified?: () => void;
  /** Asked between steps: throws to stop there. */
  readonly checkpoint?: () => void;
}

/**
 * Moves states from one store to another: writes each, reads it back and compares it byte by byte, and only when every one of them is
 * right puts those of the source out of use. It can be interrupted at any point: until the last step both stores have everything, and
 * the next run goes on.
 * @throws Error that names the state that is not as it was written; the source is untouched then
 */
export async function migrateStates(
  steps: readonly MigrationStep[],
  {
    source,
    target,
    told = () => undefined,
    verified = () => undefined,
    checkpoint = () => undefined,
  }: MigrationOptions,
): Promise<void> {
  for (const step of steps) {
    checkpoint();
    if (step.action !== "write") continue;
    await writeStep(step, target);
    told(`written   ${step.name} (${step.state ? describeFile(step.state) : "empty"})`);
  }
  for (const step of steps) {
    checkpoint();
    if (step.action === "empty") continue;
    await verify(step, source, target);
    told(`verified  ${step.name}`);
  }
  verified();
  for (const { name } of steps) {
    checkpoint();
    await source.retire(name);
    told(`retired   ${name} (now ${RETIRED_FOLDER}/ of ${source.description})`);
  }
}

/** What appeared there since it was looked at is never overwritten. */
async function writeStep({ name, content, replaces }: MigrationStep, target: MigrationStore): Promise<void> {
  if (replaces !== undefined) {
    await target.write(name, content);
    return;
  }
  if (await target.create(name, content)) return;
  const found = await target.read(name);
  if (found?.equals(content)) return;
  if (found !== undefined && parseState(found).kind !== "empty")
    throw new Error(
      `${name}: ${target.description} has got one meanwhile, from somebody else. Nothing was overwritten or retired; run the command again.`,
    );
  await target.write(name, content);
}

async function verify(
  { name, content, state }: MigrationStep,
  source: MigrationStore,
  target: MigrationStore,
): Promise<void> {
  const [before, after] = [await source.read(name), await target.read(name)];
  const unchanged = before?.equals(content) ?? false;
  const read = parseState(after);
  const right =
    after?.equals(content) &&
    read.kind === "state" &&
    read.serial === state?.serial &&
    read.lineage === state?.lineage;
  if (unchanged && right) return;
  throw new Error(
    unchanged
      ? `${name}: what ${target.description} has is not what was written (${describeFile(read)}). ${source.description} is untouched and still in use; run the command again.`
      : `${name}: ${source.description} has changed it meanwhile. Nothing was retired; run the command again.`,
  );
}
