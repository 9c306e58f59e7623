import { AGE_KEY_VARIABLE, readAgeKey } from "../secrets/age-key";
import { explainForeignKey } from "../secrets/foreign-key";
import { readRecipients } from "../secrets/sops-configuration";
import { environmentOf, type Inputs, type SynthesizedStack } from "../terraform";
import type { Workspace } from "./workspace";

/**
 * The values of a stack's input variables: for the Flux configuration the private key that Flux decrypts with, if it is on this
 * machine and secrets are encrypted for it.
 * @throws Error when the key here is another than .sops.yaml's, since Flux could decrypt nothing with it
 */
export function stackInputs(
  { directory }: Pick<Workspace, "directory">,
  stack: Pick<SynthesizedStack, "name">,
): Inputs {
  const environment = environmentOf(stack);
  if (stack.name !== `${environment}-flux-configuration`) return {};
  const recorded = readRecipients(directory, environment)?.[0];
  const key = readAgeKey(directory, environment);
  if (recorded === undefined || key === undefined) return {};
  if (key.recipient !== recorded) throw new Error(explainForeignKey(environment, recorded));
  return { [AGE_KEY_VARIABLE]: key.identity };
}
