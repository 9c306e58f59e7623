import { bringBack, sandboxAt, shownPath } from "../place";
import {
  AGE_KEY_SECRET,
  ageKeyFile,
  decryptionKeyRevision,
  readAgeKey,
  readAgeKeys,
  readRetiredAgeKeys,
  retiredAgeKeysFile,
} from "../secrets/age-key";
import { foreignFilesProblem, type KeyProblem, keyFromCluster, lastWayOut } from "../secrets/foreign-key";
import { allSecretFiles } from "../secrets/secret-files";
import { clusterRecipients, SOPS_CONFIGURATION } from "../secrets/sops-configuration";
import { environmentOf, type ResourceChange, type StackPlan, type StateDocument } from "../terraform";
import type { Workspace } from "../workspace";

/**
 * Why a plan must not touch the key that Flux decrypts with: it would be written on a machine that doesn't have it, or doesn't open the
 * environment's secrets, or replaces what may be the last copy of another; or it would be taken out of a cluster whose secrets are
 * encrypted for it.
 * @throws Error for a key file, a .sops.yaml or a secret that is damaged
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
      `${stack.name}: the cluster needs the private key of ${environment} (secret ${AGE_KEY_SECRET}), and ${shownPath(directory, ageKeyFile("", environment))} is not on this machine. Deploy once on the machine that has it; after that, every machine can deploy, CI included. ${lastWayOut(directory, environment)}. Then:  ${npmRun("deploy", "--environment", environment)}`,
    ];
  if (writes(change)) {
    const foreign = foreignFilesProblem(directory, environment);
    if (foreign !== undefined)
      return [
        `${stack.name}: Flux would get a key that does not open the secrets of ${environment} (secret ${AGE_KEY_SECRET}). ${foreign.message}. Fix: ${foreign.fix}`,
      ];
    // A sandbox's keys open nothing that has to last.
    return sandboxAt(directory) === undefined && replacesUnknownKey(change, directory, environment)
      ? [
          `${stack.name}: the cluster of ${environment} has a key that is not on this machine, and the deploy would overwrite it (secret ${AGE_KEY_SECRET}). It may be the last copy, and old commits open with it only. Save it first, with kubectl set to that cluster: ${keyFromCluster(retiredAgeKeysFile("", environment))}. If that is not what the last deploy wrote, or nothing that it opens is needed any more: kubectl --namespace flux-system delete secret ${AGE_KEY_SECRET}, then deploy`,
        ]
      : [];
  }
  const encrypted = change.action === "destroy" ? allSecretFiles(directory, environment).length : 0;
  if (encrypted === 0) return [];
  return [
    `${stack.name}: the key that Flux decrypts with would be destroyed, and ${encrypted} ${encrypted === 1 ? "file is" : "files are"} encrypted for it. ${shownPath(directory, SOPS_CONFIGURATION)} no longer has a rule for ${environment}: ${foreignFilesProblem(directory, environment)?.fix ?? bringBack(directory, SOPS_CONFIGURATION)}`,
  ];
}

/** The revision of the keys that a cluster has, as the state of its Flux configuration says; undefined before it has one. */
export function deployedKeyRevision(state: StateDocument): number | undefined {
  const secret = state.resources?.find(
    ({ type, name }) => type === "kubernetes_secret_v1" && name === AGE_KEY_SECRET,
  );
  const revision = secret?.instances[0]?.attributes?.data_wo_revision;
  return revision === undefined || revision === null ? undefined : Number(revision);
}

/**
 * Why Flux can't open an environment's secrets, or soon can't, with the fix: they are encrypted for another key than .sops.yaml's, or the
 * cluster has another one. Undefined when the keys fit, and as long as nothing is deployed.
 */
export function deployedKeyProblem(
  state: StateDocument,
  environment: string,
  { directory, npmRun }: Pick<Workspace, "directory" | "npmRun">,
): KeyProblem | undefined {
  const configuration = shownPath(directory, SOPS_CONFIGURATION);
  try {
    const foreign = foreignFilesProblem(directory, environment);
    const revision = deployedKeyRevision(state);
    const recipients = clusterRecipients(directory, environment);
    if (foreign !== undefined || revision === undefined || recipients.length === 0) return foreign;
    return revision === decryptionKeyRevision(recipients)
      ? undefined
      : {
          message: `the cluster (secret ${AGE_KEY_SECRET}) has other keys than ${configuration}`,
          fix: `${npmRun("deploy", "--environment", environment)} on the machine that has ${shownPath(directory, ageKeyFile("", environment))}`,
        };
  } catch (error) {
    return { message: (error as Error).message, fix: `${npmRun("secrets", "check")} says what to do` };
  }
}

/** Whether what the cluster has, by the revision of it in the state, is made of keys of which this machine has no copy. */
function replacesUnknownKey({ attributes }: ResourceChange, directory: string, environment: string): boolean {
  const before = attributes.find(({ path }) => path === "data_wo_revision")?.before;
  if (before === undefined || before === null) return false;
  const known = [...readAgeKeys(directory, environment), ...readRetiredAgeKeys(directory, environment)].map(
    ({ recipient }) => recipient,
  );
  // One key, or two in the order of a rotation.
  const possible = known.flatMap((one) => [[one], ...known.map((other) => [one, other])]);
  return !possible.some((recipients) => decryptionKeyRevision(recipients) === Number(before));
}

/** Whether the value itself is written: a changed label isn't. */
function writes({ action, attributes }: ResourceChange): boolean {
  if (action === "create" || action === "replace") return true;
  return action === "update" && attributes.some(({ path }) => path === "data_wo_revision");
}
