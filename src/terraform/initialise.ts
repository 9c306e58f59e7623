import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Variables } from "./plan";
import {
  attachedProviders,
  explainMismatch,
  installsUnchecked,
  ProviderLockError,
  UNCHECKED_NOTE,
  useProviderLock,
} from "./provider-lock";
import { readStackDocument } from "./stack-document";
import type { SynthesizedStack } from "./stacks";
import { READONLY_LOCK, runTerraform, TerraformError } from "./terraform";

let inTurn: Promise<unknown> = Promise.resolve();
let isNoted = false;

/** By directory: a stack is planned while another one asks for its outputs, and terraform locks what `init` writes. */
const underWay = new Map<string, Promise<unknown>>();

/**
 * `terraform init`, left out when the stack is initialised for the same backend, providers and checksums. With committed checksums of the
 * providers it installs only what has one of them, and may not change them.
 * One after the other: terraform's plugin cache must not be written by two processes.
 * @throws ProviderLockError when a provider isn't the one that was locked
 */
export async function initialise(
  { name, directory }: Pick<SynthesizedStack, "name" | "directory">,
  variables: Variables,
): Promise<void> {
  const marker = join(directory, ".terraform", "initialised-for");
  const { terraform } = readStackDocument({ directory });
  const attached = attachedProviders(variables);
  while (underWay.has(directory)) await underWay.get(directory);
  const locked = useProviderLock(directory, terraform, variables);
  const wanted = createHash("sha256")
    .update(JSON.stringify([terraform, attached, locked]))
    .digest("hex");
  if (readOr(marker) === wanted) return;
  const init = async (): Promise<void> => {
    if (installsUnchecked(terraform, variables) && !isNoted) {
      isNoted = true;
      process.stderr.write(`${UNCHECKED_NOTE}\n`);
    }
    await run(name, directory, variables, locked !== undefined);
    mkdirSync(join(directory, ".terraform"), { recursive: true });
    writeFileSync(marker, wanted);
  };
  const turn = attached.length > 0 ? init() : inTurn.then(init, init);
  inTurn = turn.catch(() => undefined);
  const ended = inTurn.finally(() => underWay.delete(directory));
  underWay.set(directory, ended);
  await turn;
}

async function run(stack: string, directory: string, env: Variables, isLocked: boolean): Promise<void> {
  try {
    await runTerraform({
      stack,
      directory,
      arguments: ["init", "-input=false", "-no-color", ...(isLocked ? [READONLY_LOCK] : [])],
      env,
    });
  } catch (error) {
    const explained = isLocked && error instanceof TerraformError && explainMismatch(stack, error.output);
    if (explained) throw new ProviderLockError(explained, { cause: error });
    throw error;
  }
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
