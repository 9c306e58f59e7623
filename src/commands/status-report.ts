import type { ConfigMapStatus, FluxObjectStatus, FluxStatus } from "../cluster";
import type { Standing } from "../deployment/checkout-standing";
import type { ClusterHealth } from "../deployment/cluster-health";
import type { ClusterElsewhere } from "../deployment/clusters-elsewhere";
import type { KeyProblem } from "../secrets/foreign-key";
import type { StackDeployment } from "../terraform";

/** A Terraform stack; `unknown` when its state can't be read. */
export type StackStatus =
  | ({ readonly name: string } & Omit<StackDeployment, "outputs">)
  | { readonly name: string; readonly state: "unknown"; readonly problem: string };

/** Flux in a cluster, or why there is none. */
export type InstalledFlux =
  | ({ readonly installed: true } & FluxStatus)
  /** `expected`: it belongs there. A sandbox does without. */
  | { readonly installed: false; readonly expected: boolean };

/** What is in an environment's cluster. */
export type ClusterStatus =
  /** `unchecked`: why DigitalOcean could not be asked whether it has a cluster of this name all the same. */
  | { readonly state: "not deployed"; readonly unchecked?: string }
  /** DigitalOcean has it, and its state is missing here. */
  | ({ readonly state: "elsewhere" } & Omit<ClusterElsewhere, "environment">)
  /** It can't be said which cluster it is. */
  | { readonly state: "unknown"; readonly problem: string }
  /** The state has it, DigitalOcean doesn't. */
  | { readonly state: "gone"; readonly id: string }
  | { readonly state: "unreachable"; readonly id: string; readonly problem: string }
  | {
      readonly state: "reachable";
      readonly id: string;
      readonly configMaps: readonly ConfigMapStatus[];
      readonly flux: InstalledFlux;
    };

/** The encrypted secrets that the applications in flux/ wait for. */
export type SecretsStatus =
  | { readonly needed: number; readonly missing: readonly string[] }
  /** They can't be counted. */
  | { readonly problem: string };

/** What lets others use an environment in GitHub: found, or why it could not be looked for. */
export type EnvironmentAccess = { readonly open: string } | { readonly unchecked: string };

/** How an environment stands; `npm run status -- --json` prints it. */
export interface EnvironmentStatus {
  readonly name: string;
  readonly stacks: readonly StackStatus[];
  readonly secrets: SecretsStatus;
  /** What DigitalOcean says of the cluster, or why it could not be asked; absent without a cluster or a token. */
  readonly health?: ClusterHealth | { readonly unchecked: string };
  readonly cluster: ClusterStatus;
  /** Why Flux can't open the environment's secrets, with the fix. */
  readonly decryption?: KeyProblem;
  /** Absent where only the branch that Flux reads may use it, and where nothing of it is deployed. */
  readonly gitHub?: EnvironmentAccess;
}

/** What belongs to no environment alone. */
export interface ProjectStatus {
  readonly environments: readonly EnvironmentStatus[];
  readonly project: {
    /** Files in flux/ that still hold placeholders, or names that have changed since. Absent: there is no flux/ yet. */
    readonly pendingFiles?: readonly string[];
    /** What of the names in flux/ needs a person: former names that may be meant, missing originals, a missing record. */
    readonly namesToCheck?: readonly string[];
    /** Stacks that are deployed and that the configuration no longer has. Only local states can be listed. */
    readonly orphanedStacks: readonly string[];
    /** The command that works here at this moment. */
    readonly atWork?: string;
    /** How the checkout stands to the branch that Flux reads; absent where there is none. */
    readonly checkout?: Standing;
  };
}

/** What of the project is not as it should be, a few words each. */
export function projectConcerns({
  pendingFiles = [],
  namesToCheck = [],
  orphanedStacks,
  checkout,
}: ProjectStatus["project"]): string[] {
  return [
    ...(checkout?.state === "behind" && checkout.matters ? [`behind ${checkout.branch}`] : []),
    ...(checkout?.state === "unknown" && checkout.matters ? ["checkout not compared"] : []),
    ...(checkout?.state === "subfolder" ? ["in a subfolder of its repository"] : []),
    ...(pendingFiles.length > 0 ? ["names in the Flux tree out of step"] : []),
    ...(namesToCheck.length > 0 ? ["names in the Flux tree to check"] : []),
    ...orphanedStacks.map((name) => `${name} deployed and not configured`),
  ];
}

/** What is not as it should be, or not known, a few words each; empty when all is well. */
export function concerns({
  stacks,
  secrets,
  health,
  cluster,
  decryption,
  gitHub,
}: EnvironmentStatus): string[] {
  return [
    ...stacks.filter(({ state }) => state !== "deployed").map(({ name, state }) => `${name} ${state}`),
    ...secretsConcerns(secrets),
    ...(health && "problems" in health ? health.problems.map(({ concern }) => concern) : []),
    ...clusterConcerns(cluster),
    ...(decryption ? ["the key that Flux decrypts with"] : []),
    ...(gitHub === undefined
      ? []
      : ["open" in gitHub ? "GitHub environment open to others" : "GitHub environment not compared"]),
  ];
}

function secretsConcerns(secrets: SecretsStatus): string[] {
  if ("problem" in secrets) return ["secrets not counted"];
  const { length } = secrets.missing;
  return length === 0 ? [] : [`${length} ${length === 1 ? "secret" : "secrets"} not created`];
}

function clusterConcerns(cluster: ClusterStatus): string[] {
  switch (cluster.state) {
    case "not deployed":
      // Its stack says so already.
      return [];
    case "elsewhere":
      return ["its cluster's state missing here"];
    case "gone":
      return ["cluster gone"];
    case "unknown":
      return ["cluster unknown"];
    case "unreachable":
      return ["cluster not reachable"];
    case "reachable":
      return [
        ...cluster.configMaps
          .filter(({ state }) => state !== "in step")
          .map(({ name, state }) => `${name} ${state}`),
        ...fluxConcerns(cluster.flux),
      ];
  }
}

function fluxConcerns(flux: InstalledFlux): string[] {
  if (!flux.installed) return flux.expected ? ["Flux not installed"] : [];
  const unready = notReady(flux);
  const none = flux.kustomizations.length === 0 ? ["no Kustomizations"] : [];
  return [
    ...none,
    ...(["failing", "waiting", "reconciling", "suspended"] as const).flatMap((state) => {
      const count = unready.filter((one) => one.state === state).length;
      return count > 0 ? [`${count} ${state}`] : [];
    }),
  ];
}

/** Everything of Flux that is not ready. */
export function notReady({ sources, kustomizations, helmReleases }: FluxStatus): FluxObjectStatus[] {
  return [...sources, ...kustomizations, ...helmReleases].filter(({ state }) => state !== "ready");
}
