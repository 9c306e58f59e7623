import { clusterName } from "../config";
import { isProduction } from "../deployment/dangers";
import { deployedKeyRevision } from "../deployment/decryption-key";
import { checkPublication } from "../deployment/publication";
import { shownPath } from "../place";
import { decryptionKeyRevision } from "../secrets/age-key";
import type { SecretsContext } from "../secrets/inventory";
import { beginKeyRotation, finishKeyRotation, type KeyRotation, nextStep } from "../secrets/rotate-key";
import {
  explainEffect,
  type RotationChoice,
  rotateValues,
  type ValueRotation,
} from "../secrets/rotate-values";
import { clusterRecipients } from "../secrets/sops-configuration";
import { readState } from "../terraform";
import { describeStacks, type Workspace } from "../workspace";
import { clusterNameIsTyped } from "./cluster-name";
import { errorReport } from "./error-report";
import type { SecretsAction, SecretsWork } from "./secrets-work";

/** The options of `npm run secrets -- rotate`. */
export interface RotateOptions {
  readonly ageKey?: boolean;
  readonly secret?: string;
  readonly keyName?: string;
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly confirm?: readonly string[];
}

/**
 * Has the names of production's clusters typed before the first change, so that a name which is missing leaves no half of a rotation.
 * Without it, that is the command's result for a script.
 * @param changing the environments in which something would change that can't be taken back
 */
async function namesAreTyped(
  changing: readonly string[],
  { workspace: { project }, output }: SecretsWork,
  { confirm = [] }: RotateOptions,
): Promise<boolean> {
  for (const environment of changing.filter((name) => isProduction(project, name))) {
    const name = clusterName(project.name, environment);
    if (!confirm.includes(name) && !(await clusterNameIsTyped(name, output, undefined, confirm))) {
      output.problem("Nothing was changed.");
      const message = `--confirm ${name} is missing: this is production, and the name of its cluster was not typed. Nothing was changed.`;
      output.result({ exitCode: 1, error: errorReport(new Error(message)) });
      return false;
    }
  }
  return true;
}

/** `npm run secrets -- rotate`: new values, or with --age-key a new key. */
export function rotateAction(options: RotateOptions): SecretsAction {
  if (options.ageKey && (options.secret !== undefined || options.keyName !== undefined))
    throw new Error(
      "--age-key rotates the key that all secrets are encrypted with, --secret and --key-name rotate values: one after the other",
    );
  return options.ageKey ? (work) => rotateKeys(work, options) : (work) => rotate(work, options);
}

async function rotate(work: SecretsWork, options: RotateOptions) {
  const { contexts, sops, output, workspace } = work;
  const choice: RotationChoice = {
    secret: options.secret,
    key: options.keyName,
    force: options.force,
    dryRun: options.dryRun,
  };
  const changing: string[] = [];
  for (const context of options.dryRun ? [] : contexts) {
    const { environment, rotated } = await rotateValues(context, { ...choice, dryRun: true }, sops);
    if (rotated.length > 0) changing.push(environment);
  }
  if (!(await namesAreTyped(changing, work, options))) return 1;
  const rotations: ValueRotation[] = [];
  for (const context of contexts) {
    const rotation = await rotateValues(context, choice, sops);
    rotations.push(rotation);
    output.heading(rotation.environment);
    const verb = options.dryRun ? "would rotate" : "rotated     ";
    for (const { secret, key, madeAnew, effect } of rotation.rotated) {
      const others = madeAnew.length > 0 ? ` (with ${madeAnew.join(", ")})` : "";
      output.line(`${verb}   ${secret}: ${key}${others}. ${explainEffect(effect, context.directory)}`);
    }
    for (const { secret, key, because, asked } of rotation.kept) {
      const line = `left as it is  ${secret}: ${key}. ${because}`;
      if (asked) output.problem(line);
      else output.line(line);
    }
  }
  const rotated = rotations.flatMap((rotation) => rotation.rotated);
  const kept = rotations.flatMap((rotation) => rotation.kept);
  if (rotated.length + kept.length === 0 && (options.secret ?? options.keyName) !== undefined)
    throw new Error(
      `no secret that Flux applies has ${[options.secret && `the name ${options.secret}`, options.keyName && `a key ${options.keyName}`].filter(Boolean).join(" and ")}: ${workspace.npmRun("secrets", "list")} names them with their keys`,
    );
  if (rotated.length > 0 && !options.dryRun)
    output.line(
      workspace.sandbox === undefined
        ? "\nNext: commit flux/ (no value can be read there) and push it, let Flux apply it, then do what stands behind each value."
        : "\nThe sandbox has no Flux that would apply them.",
    );
  output.result({ dryRun: options.dryRun ?? false, environments: rotations });
  return kept.some(({ asked }) => asked) ? 1 : 0;
}

async function rotateKeys(work: SecretsWork, options: RotateOptions): Promise<number> {
  const { contexts, sops, output, workspace } = work;
  const { dryRun = false, force = false } = options;
  const steps: Array<{ context: SecretsContext; step: KeyRotation["step"]; obstacle?: string }> = [];
  for (const context of contexts) {
    const step = nextStep(context.directory, context.environment);
    const obstacle = step === "finish" && !force ? await finishObstacle(workspace, context) : undefined;
    steps.push({ context, step, obstacle });
  }
  // The first step only adds a key; the second takes one away.
  const finishing = steps.filter(({ step, obstacle }) => step === "finish" && obstacle === undefined);
  const changing = dryRun ? [] : finishing.map(({ context }) => context.environment);
  if (!(await namesAreTyped(changing, work, options))) return 1;
  const rotations: KeyRotation[] = [];
  for (const { context, step, obstacle } of steps) {
    const { directory, environment } = context;
    output.heading(environment);
    if (obstacle !== undefined) {
      output.problem(obstacle);
      continue;
    }
    const rotation =
      step === "begin"
        ? await beginKeyRotation(directory, environment, sops, dryRun)
        : await finishKeyRotation(directory, environment, sops, dryRun);
    rotations.push(rotation);
    tellStep(rotation, work, dryRun);
  }
  output.result({ dryRun, environments: rotations });
  return steps.some(({ obstacle }) => obstacle !== undefined) ? 1 : 0;
}

function tellStep(rotation: KeyRotation, { output, workspace }: SecretsWork, dryRun: boolean): void {
  const { environment, step, files, present = "a new key", retiring, kept } = rotation;
  const count = `${files.length} ${files.length === 1 ? "file" : "files"}`;
  const would = dryRun ? "would be " : "";
  const commit = workspace.sandbox === undefined ? "commit .sops.yaml and flux/, push, and run " : "";
  const again = workspace.npmRun("secrets", "rotate", "--age-key", "--environment", environment);
  const deploy = workspace.npmRun("deploy", "--environment", environment);
  if (step === "begin") {
    output.line(`${count} ${would}encrypted for ${present}, and still for ${retiring}.`);
    output.line(`Step 1 of 2. Next: ${commit}${deploy}`);
    output.line(`It gives the cluster both keys. When Flux has applied that commit:  ${again}`);
    if (workspace.sandbox === undefined)
      output.line(`Keep a copy of .secrets/${environment}/age.agekey in a safe place: it has the new key.`);
    return;
  }
  output.line(`${count} ${would}encrypted for ${present} only.`);
  output.line(`Step 2 of 2. Next: ${commit}${deploy}, which takes the old key out of the cluster.`);
  if (kept)
    output.line(
      `The old private key is in ${shownPath(workspace.directory, kept)}: old commits can be opened with it only. Delete it when nobody will.`,
    );
  output.line(
    `Whoever has the old key can read what was committed before. If it may be in wrong hands, the values need to be new as well: ${workspace.npmRun("secrets", "rotate", "--environment", environment)}`,
  );
}

/** Why the old key can't be given up yet; undefined when Flux can do without it. */
async function finishObstacle(
  workspace: Workspace,
  { directory, environment }: SecretsContext,
): Promise<string | undefined> {
  const recipients = clusterRecipients(directory, environment);
  // Interrupted in the middle of the second step, which was begun with all of this in order.
  if (recipients.length < 2) return undefined;
  const stack = (await describeStacks(workspace)).find(
    ({ name }) => name === `${environment}-flux-configuration`,
  );
  const state = stack ? await readState(stack, workspace.variables) : {};
  const revision = deployedKeyRevision(state);
  // A cluster that has no key yet gets the new one with its first.
  const hasBoth = revision === undefined || revision === decryptionKeyRevision(recipients);
  const deploy = workspace.npmRun("deploy", "--environment", environment);
  if (!hasBoth)
    return `The cluster of ${environment} doesn't have the new key yet, so the old one stays: run ${deploy}, wait until Flux has applied the commit of step 1, then run this again. (--force goes on without this.)`;
  if (workspace.sandbox !== undefined) return undefined;
  const branch = workspace.project.github?.branch ?? "main";
  const publication = await checkPublication(
    directory,
    branch,
    workspace.project.github,
    workspace.variables,
  );
  return publication.state === "published"
    ? undefined
    : `The remote branch ${branch} doesn't have the files of step 1, as far as can be seen from here, so Flux still needs the old key: commit and push .sops.yaml and flux/, wait until Flux has applied them, then run this again. (--force goes on without this.)`;
}
