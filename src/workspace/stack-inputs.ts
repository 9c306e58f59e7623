import { AGE_KEY_VARIABLE, readAgeKeys } from "../secrets/age-key";
import { explainAbsentKey, explainForeignKey } from "../secrets/foreign-key";
import { clusterRecipients } from "../secrets/sops-configuration";
import { environmentOf, type Inputs, type SynthesizedStack } from "../terraform";
import type { Workspace } from "./workspace";

/**
 * The values of a stack's input variables: for the Flux configuration the private key that Flux decrypts with, if it is on this
 * machine and secrets are encrypted for it. While a key is being replaced these are two, a line each.
 * @throws Error when the key here is another than .sops.yaml's, since Flux could decrypt nothing with it
 */
export function stackInputs(
  { directory }: Pick<Workspace, "directory">,
  stack: Pick<SynthesizedStack, "name">,
): Inputs {
  const environment = environmentOf(stack);
  if (stack.name !== `${environment}-flux-configuration`) return {};
  const [present, ...retiring] = clusterRecipients(directory, environment);
  const keys = readAgeKeys(directory, environment);
  if (present === undefined || keys.length === 0) return {};
  const identityOf = (recipient: string): string | undefined =>
    keys.find((key) => key.recipient === recipient)?.identity;
  if (identityOf(present) === undefined) throw new Error(explainForeignKey(directory, environment, present));
  const absent = retiring.find((recipient) => identityOf(recipient) === undefined);
  if (absent !== undefined) throw new Error(explainAbsentKey(directory, environment, absent));
  return { [AGE_KEY_VARIABLE]: [present, ...retiring].map(identityOf).join("\n") };
}
