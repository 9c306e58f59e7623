import { dirname } from "node:path";
import { bringBack, npmRunIn, sandboxAt, shellIn, shownPath } from "../place";
import {
  AGE_KEY_NAME,
  AGE_KEY_SECRET,
  ageKeyFile,
  readAgeKeys,
  readRetiredAgeKeys,
  retiredAgeKeysFile,
} from "./age-key";
import { allSecretFiles, readSecretFile, recipientsOf } from "./secret-files";
import { clusterRecipients, readRecipients, SOPS_CONFIGURATION } from "./sops-configuration";

/** What to tell when one of the two keys of a rotation isn't here: Flux needs both until it is finished. */
export function explainAbsentKey(directory: string, environment: string, recipient: string): string {
  return `${shownPath(directory, ageKeyFile("", environment))} lacks the private half of ${recipient}: the key of ${environment} is being rotated, and Flux needs the old and the new one until that is finished. Bring the file from the machine where "${npmRunIn(directory, "secrets", "rotate", "--age-key")}" was begun`;
}

/** Files of an environment that none of its keys opens, and a key that does. */
export interface ForeignFiles {
  readonly recipient: string;
  readonly files: readonly string[];
}

/**
 * The files of an environment that none of these keys opens, by the first key that each is encrypted for.
 * @throws Error that names a damaged file
 */
export function foreignFiles(
  directory: string,
  environment: string,
  keys: readonly string[],
): readonly ForeignFiles[] {
  const found = new Map<string, string[]>();
  for (const file of allSecretFiles(directory, environment)) {
    const recipients = recipientsOf(readSecretFile(directory, file) ?? {});
    const [first] = recipients;
    if (first === undefined || recipients.some((recipient) => keys.includes(recipient))) continue;
    found.set(first, [...(found.get(first) ?? []), file]);
  }
  return [...found].map(([recipient, files]) => ({ recipient, files }));
}

/**
 * What is wrong when files of an environment are encrypted for a key that isn't its own by .sops.yaml: Flux would open none of them.
 * Undefined when every file opens with the environment's key.
 * @throws Error for a .sops.yaml, a key file or a secret that is damaged
 */
export function foreignFilesProblem(directory: string, environment: string): KeyProblem | undefined {
  const own = ownKeys(directory, environment);
  const foreign = foreignFiles(directory, environment, own);
  return foreign.length === 0
    ? undefined
    : {
        message: foreign.map((one) => explainForeignFiles(directory, environment, one)).join("; "),
        fix: foreign.map((one) => keyBackFix(directory, environment, one)).join("; "),
      };
}

/** The keys of an environment: those of .sops.yaml, and before it has a rule those that are here. */
function ownKeys(directory: string, environment: string): readonly string[] {
  const recorded = clusterRecipients(directory, environment);
  return recorded.length > 0
    ? recorded
    : readAgeKeys(directory, environment).map(({ recipient }) => recipient);
}

/** Which files are encrypted for which key, and why the environment's key is another. */
function explainForeignFiles(
  directory: string,
  environment: string,
  { recipient, files: [first = "", ...others] }: ForeignFiles,
): string {
  const [recorded] = readRecipients(directory, environment) ?? [];
  const configuration = shownPath(directory, SOPS_CONFIGURATION);
  const which =
    others.length === 0
      ? `${shownPath(directory, first)} is`
      : `${shownPath(directory, first)} and ${others.length} other secret${others.length === 1 ? "" : "s"} of ${environment} are`;
  const own =
    recorded === undefined
      ? `${configuration} has no rule for ${environment}: a new key would not open ${others.length === 0 ? "it" : "them"}`
      : `${configuration} has another key for ${environment}: ${recorded}, which does not open ${others.length === 0 ? "it" : "them"}`;
  return `${which} encrypted for ${recipient}, and ${own}`;
}

/** How an environment gets the key back that its files are encrypted for. */
function keyBackFix(directory: string, environment: string, { recipient, files }: ForeignFiles): string {
  if (readRetiredAgeKeys(directory, environment).some((key) => key.recipient === recipient)) {
    const retired = retiredAgeKeysFile("", environment);
    return `${shownPath(directory, retired)} has that key. Encrypt for the present one: ${shellIn(directory, `SOPS_AGE_KEY_FILE=${retired} sops updatekeys ${files.join(" ")}`)}`;
  }
  if (sandboxAt(directory) === undefined)
    return `${bringBack(directory, SOPS_CONFIGURATION)}, move ${ageKeyFile("", environment)} away if it is there, and get the key back: ${keyElsewhereFix(directory, environment)}. To replace a key, use ${npmRunIn(directory, "secrets", "rotate", "--age-key")} (docs/secrets.md)`;
  return `bring ${shownPath(directory, SOPS_CONFIGURATION)} and ${shownPath(directory, ageKeyFile("", environment))} back from a copy. Without one, delete these secrets (in a sandbox nothing else needs them): ${npmRunIn(directory, "secrets", "create")} then makes new ones`;
}

/** A fault of an environment's key, with its fix. */
export interface KeyProblem {
  readonly message: string;
  readonly fix: string;
}

/**
 * What is wrong with the private key of an environment whose secrets are encrypted already: it is on another machine, or another key
 * lies here. Undefined when it is here, and as long as there is none at all.
 * @throws Error for a key file or .sops.yaml that is damaged
 */
export function keyProblem(directory: string, environment: string): KeyProblem | undefined {
  const foreign = foreignFilesProblem(directory, environment);
  if (foreign !== undefined) return foreign;
  const [recorded] = readRecipients(directory, environment) ?? [];
  if (recorded === undefined) return undefined;
  const present = readAgeKeys(directory, environment);
  if (present.some(({ recipient }) => recipient === recorded)) return undefined;
  const fix = keyElsewhereFix(directory, environment);
  const file = shownPath(directory, ageKeyFile("", environment));
  return present.length > 0
    ? {
        message: `${file} is not the key of ${environment} in ${shownPath(directory, SOPS_CONFIGURATION)} (${recorded})`,
        fix,
      }
    : {
        message: `${file} is missing: the secrets of ${environment} are encrypted for ${recorded}, whose private half is on another machine. Deploys work without it; opening, editing and rotating secrets does not`,
        fix,
      };
}

/** How the private key of another machine comes here. */
function keyElsewhereFix(directory: string, environment: string): string {
  const file = shownPath(directory, ageKeyFile("", environment));
  return `take ${file} from a colleague or from where its copy is kept (a password manager), put it there, and chmod 600 ${file}; no new key opens what is encrypted already.${sandboxAt(directory) === undefined ? ` The cluster of ${environment} may have the last copy: ${keyFromCluster(ageKeyFile("", environment))}` : ""}`;
}

/** The command that writes the key of the cluster that kubectl is set to into a file, readable by its owner only. */
export function keyFromCluster(file: string): string {
  return `(umask 077 && mkdir -p ${dirname(file)} && kubectl --namespace flux-system get secret ${AGE_KEY_SECRET} --output go-template='{{index .data "${AGE_KEY_NAME}" | base64decode}}{{"\\n"}}' >> ${file})`;
}

/** What to tell when the private key here isn't the one that the environment's secrets are encrypted for. */
export function explainForeignKey(directory: string, environment: string, recorded: string): string {
  return `${shownPath(directory, ageKeyFile("", environment))} is not the key of ${environment} in ${shownPath(directory, SOPS_CONFIGURATION)} (${recorded}): bring the right one back from a copy, or move this one away to go on without a private key`;
}

/**
 * For whom an environment's secrets are encrypted, when the key file here belongs to it.
 * @throws Error that names both when .sops.yaml has another key than the file here, or none: what is encrypted now, Flux and this
 * machine couldn't open
 */
export function requireOwnKey(directory: string, environment: string): readonly string[] {
  const recipients = readRecipients(directory, environment) ?? [];
  const [recorded] = recipients;
  if (recorded === undefined)
    throw new Error(
      `${shownPath(directory, SOPS_CONFIGURATION)} has no rule for ${environment}: ${bringBack(directory, SOPS_CONFIGURATION)}, or ${npmRunIn(directory, "secrets", "create")} makes it`,
    );
  if (!readAgeKeys(directory, environment).some(({ recipient }) => recipient === recorded))
    throw new Error(explainForeignKey(directory, environment, recorded));
  return recipients;
}
