import { bringBack, npmRunIn, shownPath } from "../place";
import { ageKeyFile, readAgeKeys } from "./age-key";
import { readRecipients, SOPS_CONFIGURATION } from "./sops-configuration";

/** What to tell when one of the two keys of a rotation isn't here: Flux needs both until it is finished. */
export function explainAbsentKey(directory: string, environment: string, recipient: string): string {
  return `${shownPath(directory, ageKeyFile("", environment))} lacks the private half of ${recipient}: the key of ${environment} is being rotated, and Flux needs the old and the new one until that is finished. Bring the file from the machine where "${npmRunIn(directory, "secrets", "rotate", "--age-key")}" was begun`;
}

/**
 * What is wrong with the private key of an environment whose secrets are encrypted already: it is on another machine, or another key
 * lies here. Undefined when it is here, and as long as there is none at all.
 * @throws Error for a key file or .sops.yaml that is damaged
 */
export function keyProblem(
  directory: string,
  environment: string,
): { readonly message: string; readonly fix: string } | undefined {
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
export function keyElsewhereFix(directory: string, environment: string): string {
  const file = shownPath(directory, ageKeyFile("", environment));
  return `take ${file} from a colleague or from where its copy is kept (a password manager), put it there, and chmod 600 ${file}; no new key opens what is encrypted already`;
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
