import { SOPS_CONFIGURATION } from "./sops-configuration";

/** What to tell when the private key here isn't the one that the environment's secrets are encrypted for. */
export function explainForeignKey(environment: string, recorded: string): string {
  return `.secrets/${environment}/age.agekey is not the key of ${environment} in ${SOPS_CONFIGURATION} (${recorded}): bring the right one back from a copy, or move this one away to go on without a private key`;
}
