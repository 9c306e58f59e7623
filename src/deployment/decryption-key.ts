import { bringBack, shownPath } from "../place";
import { AGE_KEY_SECRET, ageKeyFile, readAgeKey } from "../secrets/age-key";
import { allSecretFiles } from "../secrets/secret-files";
import { SOPS_CONFIGURATION } from "../secrets/sops-configuration";
import { environmentOf, type ResourceChange, type StackPlan } from "../terraform";
import type { Workspace } from "../workspace";

/**
 * Why a plan must not touch the key that Flux decrypts with: it would be written on a machine that doesn't have it, or taken
 * out of a cluster whose secrets are encrypted for it.
 */
export function decryptionKeyRefusals(
  { stack, changes }: Pick<StackPlan, "stack" | "changes">,
  { directory, npmRun }: Pick<Workspace, "directory" | "npmRun">,
): string[] {
  const environment = environmentOf(stack);
  const change = changes.find(
    ({ type, label }) => type === "kubernetes_secret_v1" && label === AGE_KEY_SECRET,
  );
  if (!change) return [];
  if (writes(change) && readAgeKey(directory, environment) === undefined)
    return [
      `${stack.name}: the cluster needs the private key of ${environment} (secret ${AGE_KEY_SECRET}), and ${shownPath(directory, ageKeyFile("", environment))} is not on this machine. Deploy once on the machine that has it; after that, every machine can deploy, CI included:  ${npmRun("deploy", "--environment", environment)}`,
    ];
  const encrypted = change.action === "destroy" ? allSecretFiles(directory, environment).length : 0;
  if (encrypted === 0) return [];
  return [
    `${stack.name}: the key that Flux decrypts with would be destroyed, and ${encrypted} ${encrypted === 1 ? "file is" : "files are"} encrypted for it. ${shownPath(directory, SOPS_CONFIGURATION)} no longer has a rule for ${environment}: ${bringBack(directory, SOPS_CONFIGURATION)}`,
  ];
}

/** Whether the value itself is written: a changed label isn't. */
function writes({ action, attributes }: ResourceChange): boolean {
  if (action === "create" || action === "replace") return true;
  return action === "update" && attributes.some(({ path }) => path === "data_wo_revision");
}
