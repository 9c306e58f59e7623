import { existsSync, statSync } from "node:fs";
import { bringBack, npmRunIn, shellIn, shownPath } from "../place";
import { ageKeyFile, readAgeKeys } from "./age-key";
import { explainForeignKey, keyProblem, sentences } from "./foreign-key";
import { inventory, type SecretStatus, type SecretsContext } from "./inventory";
import { plainPlaces, ruleToHave } from "./plain-parts";
import {
  allSecretFiles,
  isListed,
  readSecretFile,
  recipientsOf,
  type SecretFile,
  valuesIn,
} from "./secret-files";
import type { Sops } from "./sops";
import { readRecipients, SOPS_CONFIGURATION } from "./sops-configuration";

/** What a check of an environment's secrets came to. */
export interface SecretsCheck {
  readonly environment: string;
  readonly files: number;
  /** Whether the private key is here, so that the files could be opened. */
  readonly opened: boolean;
  /** Why they could not be opened, when there is a key that is not here, with every way to it. */
  readonly missingKey?: string;
  /** What is wrong, each with its place and its fix. */
  readonly findings: readonly string[];
}

/** Words that stand for a value which somebody still has to give. */
const UNFINISHED = /CHANGE_?ME|REPLACE_?WITH/i;

/**
 * Checks an environment's secrets: complete, encrypted for the environment's key and for no other environment's, and finished
 * inside as far as the key is here. No message holds a value.
 * @param others the names of the other environments, whose keys must not open anything
 */
export async function checkSecrets(
  context: SecretsContext,
  others: readonly string[],
  sops: Sops,
): Promise<SecretsCheck> {
  const { directory, environment } = context;
  const recipients = readRecipients(directory, environment) ?? [];
  const findings = [...keyFindings(context, recipients, others), ...incomplete(context)];
  const keys = readAgeKeys(directory, environment);
  const opened = keys.some(({ recipient }) => recipients.includes(recipient));
  const files = allSecretFiles(directory, environment);
  const create = npmRunIn(directory, "secrets", "create");
  for (const file of files) {
    const shown = shownPath(directory, file);
    const present = readSecretFile(directory, file) as SecretFile;
    if (!present.sops) {
      findings.push(
        `${shown} is in plain text. Delete it and run ${create}, or encrypt it: ${shellIn(directory, `sops encrypt --in-place ${file}`)}. What was pushed is known and has to be replaced`,
      );
      continue;
    }
    const places = plainPlaces(present);
    if (places.length > 0)
      findings.push(
        `${shown} holds ${places.join(", ")} in plain text, though it has SOPS's part: ${ruleToHave(directory)}, then run ${shellIn(directory, `SOPS_AGE_KEY_FILE=${ageKeyFile("", environment)} sops decrypt --in-place ${file}`)} and ${shellIn(directory, `sops encrypt --in-place ${file}`)}. What was pushed is known and has to be replaced`,
      );
    if (!isListed(directory, file))
      findings.push(
        `${shown} is not listed in the kustomization.yaml beside it, so nobody gets it: ${create}, or add it there`,
      );
    findings.push(...recipientFindings(file, recipientsOf(present), recipients, context));
    if (opened) findings.push(...(await contentFindings(file, context, sops)));
    findings.push(...(await foreignKeys(file, directory, recipients, others, sops)));
  }
  const problem = keys.length === 0 ? keyProblem(directory, environment) : undefined;
  const missingKey = problem && sentences(problem);
  return { environment, files: files.length, opened, ...(missingKey ? { missingKey } : {}), findings };
}

function keyFindings(
  { directory, environment }: SecretsContext,
  recipients: readonly string[],
  others: readonly string[],
): string[] {
  const [recorded] = recipients;
  const [configuration, create] = [
    shownPath(directory, SOPS_CONFIGURATION),
    npmRunIn(directory, "secrets", "create"),
  ];
  if (recorded === undefined) return [`${configuration} has no rule for ${environment}: ${create} makes it`];
  const shown = shownPath(directory, ageKeyFile("", environment));
  const file = ageKeyFile(directory, environment);
  const keys = readAgeKeys(directory, environment);
  const isOpen = existsSync(file) && process.platform !== "win32" && (statSync(file).mode & 0o077) !== 0;
  return [
    ...(keys.length > 0 && !keys.some(({ recipient }) => recipient === recorded)
      ? [explainForeignKey(directory, environment, recorded)]
      : []),
    ...(isOpen ? [`${shown} can be read by other users: chmod 600 ${shown}`] : []),
    ...others
      .filter(
        (other) =>
          readRecipients(directory, other)?.[0] === recorded && !isOwner(directory, environment, other),
      )
      .map(
        (other) =>
          `${configuration}: ${environment} has the key of ${other} (${recorded}), which would open the secrets of both. Each needs its own: take the rule of ${environment} out, move ${shown} away if it is a copy, and run ${create}`,
      ),
  ];
}

/**
 * Which of two environments with the same key it belongs to: the one with more files for it, so that only the one that took it over
 * is blamed; with equally many, the first by name.
 */
function isOwner(directory: string, environment: string, other: string): boolean {
  const [key] = readRecipients(directory, environment) ?? [];
  const filesFor = (name: string): number =>
    allSecretFiles(directory, name).filter((file) =>
      recipientsOf(readSecretFile(directory, file) as SecretFile).includes(key as string),
    ).length;
  const [own, theirs] = [filesFor(environment), filesFor(other)];
  return own === theirs ? environment < other : own > theirs;
}

/** So many missing secrets are named; more are one finding. */
const NAMED_SECRETS = 3;

function incomplete(context: SecretsContext): string[] {
  const create = npmRunIn(context.directory, "secrets", "create");
  const secrets = inventory(context);
  const absent = secrets.filter(({ created }) => !created);
  const named = ({ file }: SecretStatus): string => shownPath(context.directory, file);
  const grouped =
    absent.length > NAMED_SECRETS
      ? [
          `${absent.length} of ${secrets.length} secrets do not exist, such as ${named(absent[0] as SecretStatus)}: ${create}`,
        ]
      : absent.map((secret) => `${named(secret)} does not exist: ${create}`);
  return [
    ...grouped,
    ...secrets
      .filter(({ created, missingKeys }) => created && missingKeys.length > 0)
      .map((secret) => `${named(secret)}: missing ${secret.missingKeys.join(", ")}; ${create} adds them`),
  ];
}

function recipientFindings(
  file: string,
  actual: readonly string[],
  wanted: readonly string[],
  { directory, environment }: SecretsContext,
): string[] {
  const absent = wanted.filter((recipient) => !actual.includes(recipient));
  const foreign = actual.filter((recipient) => !wanted.includes(recipient));
  const [shown, configuration] = [shownPath(directory, file), shownPath(directory, SOPS_CONFIGURATION)];
  const fix = shellIn(directory, `sops updatekeys ${file}`);
  return [
    ...(absent.length > 0
      ? [
          `${shown} is not encrypted for ${absent.join(", ")}, a key of ${environment} in ${configuration}: ${fix}`,
        ]
      : []),
    ...(foreign.length > 0
      ? [
          `${shown} can be read by ${foreign.join(", ")}, who is not among those of ${environment} in ${configuration}: ${fix}`,
        ]
      : []),
  ];
}

async function contentFindings(
  file: string,
  { directory, environment }: SecretsContext,
  sops: Sops,
): Promise<string[]> {
  const shown = shownPath(directory, file);
  try {
    const values = Object.entries(valuesIn((await sops.decrypt(file, environment)) as SecretFile));
    const unfinished = values.filter(([, value]) => UNFINISHED.test(String(value))).map(([key]) => key);
    return unfinished.length === 0
      ? []
      : [
          `${shown}: ${unfinished.join(", ")} stands for a value that nobody has given: ${npmRunIn(directory, "secrets", "edit", shown)}`,
        ];
  } catch (error) {
    return [
      `${shown} can't be decrypted with ${shownPath(directory, ageKeyFile("", environment))} (${(error as Error).message.split("\n")[0]}): ${bringBack(directory, file)}`,
    ];
  }
}

/**
 * Tries the keys of other environments that are here: more than what a file says about itself. Only a key that is the other
 * environment's by .sops.yaml as well, and not this one's: a private key in the wrong place, or one key for both, is no fault of the
 * files and is told as what it is.
 */
async function foreignKeys(
  file: string,
  directory: string,
  recipients: readonly string[],
  others: readonly string[],
  sops: Sops,
): Promise<string[]> {
  const own = new Set(recipients);
  const present = others.filter((other) => {
    const recorded = readRecipients(directory, other)?.[0];
    return readAgeKeys(directory, other).some(
      ({ recipient }) => recipient === recorded && !own.has(recipient),
    );
  });
  const opens = await Promise.all(
    present.map((other) =>
      sops.decrypt(file, other).then(
        () => true,
        () => false,
      ),
    ),
  );
  return present
    .filter((_, index) => opens[index])
    .map(
      (other) =>
        `${shownPath(directory, file)} opens with the key of ${other}: ${shellIn(directory, `sops updatekeys ${file}`)}`,
    );
}
