import { join } from "node:path";
import { writeWhole } from "../files";
import { npmRunIn, sandboxAt, shownPath } from "../place";
import { ageKeyFile, keepAgeKey, readAgeKey, readAgeKeys } from "./age-key";
import type { ApplicationSecret } from "./application-secret";
import { changeValues } from "./change-values";
import { explainForeignKey, foreignFilesProblem, keyProblem, sentences, unprovenKey } from "./foreign-key";
import { openKeys, openSecrets, type SecretsContext } from "./inventory";
import {
  listInKustomization,
  neededSecrets,
  readSecretFile,
  requireSecretsFolder,
  type SecretFile,
  secretFile,
  valuesIn,
} from "./secret-files";
import { givenValue, type MissingValue, madeOf, makeValues, missingValues } from "./secret-values";
import type { Sops } from "./sops";
import { addRecipient, readRecipients } from "./sops-configuration";

/** What was made for an environment. */
export interface Creation {
  readonly environment: string;
  /** The private key's file, when it was made now. */
  readonly madeKey?: string;
  /** Why what is there can't be opened here: the private key is missing, with the fix. */
  readonly missingKey?: string;
  /** Secrets that are new, by file. */
  readonly created: readonly string[];
  /** Keys that were added to secrets that were there. */
  readonly completed: ReadonlyArray<{ readonly file: string; readonly keys: readonly string[] }>;
  /** Secrets that couldn't be made or completed, with the reason and the fix. */
  readonly problems: readonly string[];
  /** Given values that are missing and can be: what is switched off without them. */
  readonly switchedOff: ReadonlyArray<MissingValue & { readonly file: string }>;
}

/**
 * Makes what is missing of an environment's secrets: the key pair, the rule in .sops.yaml, and each declared secret of what
 * Flux applies there. What exists is never overwritten; keys that were declared later are added.
 * @throws Error when the key pair and .sops.yaml don't fit, or a new key would open none of the secrets that are there, or sops isn't
 * installed; then nothing is made
 */
export async function createSecrets(context: SecretsContext, sops: Sops): Promise<Creation> {
  const { directory, environment, declared } = context;
  if (needsSops(context)) await sops.requireInstalled();
  const madeKey = prepareKey(directory, environment);
  const foreign = foreignFilesProblem(directory, environment);
  const unproven = foreign ? undefined : unprovenKey(directory, environment);
  const missingKey = foreign || unproven ? undefined : keyProblem(directory, environment);
  const result = {
    environment,
    ...(madeKey ? { madeKey } : {}),
    ...(missingKey ? { missingKey: sentences(missingKey) } : {}),
    created: [] as string[],
    completed: [] as Array<{ file: string; keys: string[] }>,
    problems: foreign ? [sentences(foreign)] : unproven ? [unproven] : [],
    switchedOff: [] as Array<MissingValue & { file: string }>,
  };
  if (unproven) return result;
  for (const secret of neededSecrets(directory, environment, declared)) {
    const file = secretFile(secret, environment);
    try {
      requireSecretsFolder(directory, file);
      const present = readSecretFile(directory, file);
      const open = openKeys(secret, present ? valuesIn(present) : {});
      const absent = missingValues(secret, open, context);
      const required = absent.filter(({ withoutIt }) => withoutIt === undefined);
      if (required.length > 0) {
        result.problems.push(
          `${shownPath(directory, file)}: ${required.map((value) => explainMissing(value, directory)).join("; ")}`,
        );
      } else if (present === undefined) {
        await write(secret, file, context, sops);
        result.created.push(file);
      } else {
        const keys = await complete(secret, { file, present, open }, context, sops);
        if (keys.length > 0) result.completed.push({ file, keys });
      }
      if (present !== undefined || required.length === 0) listInKustomization(directory, file);
      if (required.length === 0) result.switchedOff.push(...absent.map((value) => ({ ...value, file })));
    } catch (error) {
      result.problems.push((error as Error).message);
    }
  }
  return result;
}

/** Whether there is a secret to make or to complete; damaged files are problems of their own. */
function needsSops(context: SecretsContext): boolean {
  try {
    return openSecrets(context).length > 0;
  } catch {
    return true;
  }
}

/** A missing value with its fix. A sandbox sees nothing of .env, where the real clouds' values are. */
export function explainMissing(
  { variables: [specific, general], what }: MissingValue,
  directory: string,
): string {
  const place = sandboxAt(directory) === undefined ? ".env or the environment" : "the environment";
  return `${general} is not set (${what}): put it into ${place}, as ${specific} for this environment only`;
}

/**
 * Sees to the environment's key pair and its rule. With a rule and without a private half (a colleague's machine, CI) secrets
 * can be encrypted all the same.
 * @returns the private key's file from the project's directory, when it was made
 */
function prepareKey(directory: string, environment: string): string | undefined {
  const recorded = readRecipients(directory, environment)?.[0];
  const present = readAgeKeys(directory, environment);
  if (recorded !== undefined) {
    if (present.length > 0 && !present.some(({ recipient }) => recipient === recorded))
      throw new Error(explainForeignKey(directory, environment, recorded));
    return undefined;
  }
  // Without .sops.yaml the files say whose they are: another key would open none of them.
  const foreign = foreignFilesProblem(directory, environment);
  if (foreign !== undefined) throw new Error(sentences(foreign));
  addRecipient(directory, environment, keepAgeKey(directory, environment).recipient);
  return present.length > 0 ? undefined : ageKeyFile("", environment);
}

async function write(
  secret: ApplicationSecret,
  file: string,
  context: SecretsContext,
  sops: Sops,
): Promise<void> {
  const { name, namespace, labels, type = "Opaque" } = secret;
  const encrypted = await sops.encrypt(file, {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      ...(labels ? { labels } : {}),
      // Flux decrypts before it substitutes: a `${` in a password would be taken for a variable.
      annotations: { "kustomize.toolkit.fluxcd.io/substitute": "disabled" },
    },
    type,
    stringData: makeValues(secret, {}, context),
  });
  writeWhole(join(context.directory, file), encrypted);
}

/** Adds keys that a file lacks, and given values that were left out when it was made. */
async function complete(
  secret: ApplicationSecret,
  { file, present, open }: { readonly file: string; readonly present: SecretFile; readonly open: string[] },
  context: SecretsContext,
  sops: Sops,
): Promise<string[]> {
  const { directory, environment } = context;
  const settable = open.filter((key) => {
    const value = secret.values[key];
    const isGiven = value !== undefined && "variable" in value;
    return !(key in valuesIn(present)) || (isGiven && givenValue(value.variable, context) !== undefined);
  });
  if (settable.length === 0) return [];
  if (readAgeKey(directory, environment) === undefined)
    throw new Error(
      `${shownPath(directory, file)}: missing ${settable.join(", ")}; add them on a machine that has ${shownPath(directory, ageKeyFile("", environment))}, with ${npmRunIn(directory, "secrets", "create")}`,
    );
  const { stringData = {} } = (await sops.decrypt(file, environment)) as {
    stringData?: Record<string, string>;
  };
  const renewed = [...settable, ...madeOf(secret, settable)];
  const kept = Object.fromEntries(Object.entries(stringData).filter(([key]) => !renewed.includes(key)));
  const made = makeValues(secret, kept, context);
  await changeValues(file, Object.fromEntries(renewed.map((key) => [key, made[key] ?? ""])), context, sops);
  return renewed;
}
