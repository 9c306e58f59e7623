import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseMi } from "../config/quantities";
import { environmentOf, type ResourceChange, type StackPlan, type SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";
import { decryptionKeyRefusals } from "./decryption-key";
import { plannedValues } from "./planned-values";
import { explainShrinks, storageShrinks } from "./storage-shrink";

/** Resources whose loss takes data or addresses with it that no later deploy brings back. */
const IRREPLACEABLE: Readonly<Record<string, string>> = {
  digitalocean_kubernetes_cluster: "the cluster with everything that runs in it",
  digitalocean_vpc: "the network that the cluster is in",
  digitalocean_domain: "the domain's zone with all its records",
  digitalocean_spaces_bucket: "the bucket with everything in it",
};

/**
 * Why some plans must not be applied, before anything is touched: volumes that would shrink, a key for decryption that isn't here,
 * and what can't be brought back that would be replaced or destroyed. Each says the field, the consequence and the safe way. Empty: nothing speaks against them.
 */
export function refusals(plans: readonly StackPlan[], workspace: Workspace): string[] {
  const shrinks = storageShrinks(plans);
  return [
    ...plans.flatMap((plan) => applicationShrinks(plan, workspace.configurationName)),
    ...(shrinks.length > 0 ? [explainShrinks(shrinks, workspace)] : []),
    ...plans.flatMap(({ stack, changes }) =>
      changes
        .filter(losesHa)
        .map(
          () =>
            `${stack.name}: cluster.haControlPlane would go from true to false, which DigitalOcean doesn't do. Set it to true again.`,
        ),
    ),
    ...plans.flatMap((plan) => decryptionKeyRefusals(plan, workspace)),
    ...plans.flatMap(({ stack, changes }) =>
      changes.filter(isLoss).map((change) => explainLoss(stack.name, change, workspace)),
    ),
  ];
}

function isLoss({ type, action }: ResourceChange): boolean {
  return type in IRREPLACEABLE && (action === "replace" || action === "destroy");
}

/** An application that moves to a smaller storage class: its volume can neither shrink nor change its class. */
function applicationShrinks(plan: StackPlan, configurationName: string): string[] {
  const values = plannedValues(plan);
  return Object.entries(values?.before.applications ?? {}).flatMap(([name, { storage: before }]) => {
    const after = values?.after.applications?.[name]?.storage;
    const moves = before?.class !== undefined && after?.class !== undefined && before.class !== after.class;
    if (!moves || (parseMi(after.size ?? "0") ?? 0) >= (parseMi(before.size ?? "0") ?? 0)) return [];
    return [
      `${plan.stack.name}: the volume of ${name} would shrink from ${before.size} to ${after.size}, since its storage goes from ${before.class} to ${after.class}. Volumes can't shrink: set applications.${name}.storage in ${configurationName} to "${before.class}" again.`,
    ];
  });
}

function losesHa({ type, attributes }: ResourceChange): boolean {
  return (
    type === "digitalocean_kubernetes_cluster" &&
    attributes.some(({ path, before, after }) => path === "ha" && before === true && after === false)
  );
}

function explainLoss(
  stack: string,
  { type, address, action, attributes }: ResourceChange,
  workspace: Workspace,
): string {
  const forced = attributes.filter(({ forcesReplacement }) => forcesReplacement);
  const reasons = forced.map(
    ({ path, before, after, unknown }) =>
      `${path}: ${JSON.stringify(before)} -> ${unknown ? "(new)" : JSON.stringify(after)}`,
  );
  const environment = environmentOf({ name: stack });
  return [
    `${stack}: ${address} would be ${action === "replace" ? "replaced" : "destroyed"}, ${IRREPLACEABLE[type]}${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""}.`,
    `    Take the change in ${workspace.configurationName} back. To move for real, deploy a new environment beside this one, or give this`,
    `    one up first: ${workspace.npmRun("destroy", "--environment", environment)}`,
  ].join("\n");
}

/**
 * Stacks with resources in their state that the configuration no longer has: their environment, or `github`, was taken out while
 * it was deployed. No plan shows them, and they would be paid for ever. Only local states can be listed.
 */
export function orphanedStacks(workspace: Workspace, all: readonly SynthesizedStack[]): string[] {
  const folder = join(workspace.directory, "state");
  if (workspace.project.state.backend !== "local" || !existsSync(folder)) return [];
  const known = new Set(all.map(({ name }) => name));
  return readdirSync(folder)
    .filter((file) => file.endsWith(".tfstate"))
    .map((file) => file.slice(0, -".tfstate".length))
    .filter((name) => !known.has(name) && hasResources(join(folder, `${name}.tfstate`)))
    .sort();
}

/** What to tell about stacks that the configuration no longer has. */
export function explainOrphans(orphans: readonly string[], workspace: Workspace): string {
  const environments = [...new Set(orphans.map((name) => environmentOf({ name })))];
  return [
    `${orphans.join(", ")}: deployed, but no longer in ${workspace.configurationName}. No plan touches ${orphans.length === 1 ? "it" : "them"}, and what runs there goes on costing money.`,
    `    Put it back into the configuration. To get rid of it, destroy it before you take it out: ${workspace.npmRun("destroy", "--environment", environments[0] ?? "")}`,
  ].join("\n");
}

function hasResources(file: string): boolean {
  try {
    const state = JSON.parse(readFileSync(file, "utf8") || "{}") as {
      resources?: ReadonlyArray<{ mode?: string }>;
    };
    return (state.resources ?? []).some(({ mode }) => mode === "managed");
  } catch {
    // A state that can't be read may hold anything.
    return true;
  }
}
