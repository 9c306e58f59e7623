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
  return `${shownPath(directory, ageKeyFile("", environment))} lacks the private half of ${recipient}: the key of ${environment} is being rotated, and Flux needs the old and the new one until that is finished. Bring the file from the machine where "${npmRunIn(directory, "secrets", "rotate", "--age-key")}" was begun. ${lastWayOut(directory, environment)}`;
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

/** A problem and its fix, one after the other. */
export const sentences = ({ message, fix }: KeyProblem): string => `${message}. Fix: ${fix}`;

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
        message: `${file} is missing: the secrets of ${environment} are encrypted for ${recorded}, whose private half is on another machine, if anybody has it. Deploys work without it once the cluster has it; opening, editing and rotating secrets does not`,
        fix,
      };
}

/**
 * Why nothing may be encrypted on this machine for the key of .sops.yaml: its private half is missing here, and no secret shows that
 * anybody has it. A rule that an environment of the same name has left behind looks like that. Undefined when a secret is encrypted for it.
 * @throws Error for a key file, .sops.yaml or a secret that is damaged
 */
export function unprovenKey(directory: string, environment: string): string | undefined {
  const problem = keyProblem(directory, environment);
  if (problem === undefined || encryptedFiles(directory, environment) > 0) return undefined;
  const [recorded] = readRecipients(directory, environment) ?? [];
  return `${shownPath(directory, SOPS_CONFIGURATION)} has the key ${recorded} for ${environment}, but its private half is not on this machine, and no secret of ${environment} is encrypted for it. New secrets could be lost at once, so none was created. If a colleague has that key: ${problem.fix}`;
}

/** How many secrets of an environment are encrypted. */
const encryptedFiles = (directory: string, environment: string): number =>
  allSecretFiles(directory, environment).filter(
    (file) => recipientsOf(readSecretFile(directory, file) ?? {}).length > 0,
  ).length;

/** What is left when nobody has an environment's private key any more, and what is lost by it. */
export function lastWayOut(directory: string, environment: string): string {
  const file = shownPath(directory, ageKeyFile("", environment));
  const rule = `the rule of ${environment} in ${shownPath(directory, SOPS_CONFIGURATION)}`;
  const away = readAgeKeys(directory, environment).length > 0 ? `, move ${file} away` : "";
  const create = npmRunIn(directory, "secrets", "create", "--environment", environment);
  if (encryptedFiles(directory, environment) === 0)
    return `If nobody has it: delete ${rule}${away}, and run ${create}. It makes a new key. Nothing is lost, since nothing is encrypted for the old one`;
  const files = shellIn(
    directory,
    `find flux -path '*/${environment}/secrets/*.yaml' ! -name kustomization.yaml -exec rm {} +`,
  );
  return `If nobody has it, these values are lost: delete the secrets of ${environment} (${files}) and ${rule}${away}, and run ${create}. It makes a new key and new values, which running databases do not know (docs/secrets.md, A lost key)`;
}

/** Why something can't be done without the private key, and every way to go on. */
export function explainMissingKey(directory: string, environment: string, consequence: string): string {
  return `${shownPath(directory, ageKeyFile("", environment))} is not on this machine, so ${consequence}. Do it where that file is, or ${keyElsewhereFix(directory, environment)}`;
}

/** How the private key of another machine comes here. */
function keyElsewhereFix(directory: string, environment: string): string {
  const file = shownPath(directory, ageKeyFile("", environment));
  return `take ${file} from a colleague or from where its copy is kept (a password manager), put it there, and chmod 600 ${file}; no new key opens what is encrypted already.${sandboxAt(directory) === undefined ? ` The cluster of ${environment} may have the last copy: ${keyFromCluster(ageKeyFile("", environment))}.` : ""} ${lastWayOut(directory, environment)}`;
}

/** The command that writes the key of the cluster that kubectl is set to into a file, readable by its owner only. */
export function keyFromCluster(file: string): string {
  return `(umask 077 && mkdir -p ${dirname(file)} && kubectl --namespace flux-system get secret ${AGE_KEY_SECRET} --output go-template='{{index .data "${AGE_KEY_NAME}" | base64decode}}{{"\\n"}}' >> ${file})`;
}

/** What to tell when the private key here isn't the one that the environment's secrets are encrypted for. */
export function explainForeignKey(directory: string, environment: string, recorded: string): string {
  return `${shownPath(directory, ageKeyFile("", environment))} is not the key of ${environment} in ${shownPath(directory, SOPS_CONFIGURATION)} (${recorded}): bring the right one back from a copy, or move this one away to go on without a private key. ${lastWayOut(directory, environment)}`;
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
