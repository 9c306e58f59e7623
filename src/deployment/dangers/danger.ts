import { PRODUCTION, type Project } from "../../config";
import type { StackPlan } from "../../terraform";
import type { Workspace } from "../../workspace";
import type { DeployedCluster } from "../deployed-clusters";
import type { MissingObjects } from "../missing-objects";
import type { CapacityAnswer } from "./room";

/** Everything that a deploy refuses until somebody says `--allow <kind>`, with what it is about (for `--help` and the messages). */
export const DANGER_KINDS = {
  "cluster-loss": "a cluster would be destroyed or replaced",
  "vpc-loss": "a network (VPC) would be destroyed or replaced",
  "domain-loss":
    "a domain would be destroyed or replaced with all its records, or production's hosts would change",
  "database-loss": "a managed database would be destroyed or replaced",
  "volume-loss": "a volume or a claim of one would be destroyed or replaced",
  "bucket-loss": "a bucket would be destroyed or replaced",
  "region-change": "the region of a deployed cluster is changed",
  "vpc-range-change": "the IP range of a deployed VPC is changed",
  "ha-removal": "the highly available control plane is turned off",
  "version-skip": "the Kubernetes version skips a minor version",
  "project-rename": "the name of a project that is deployed is changed",
  "missing-in-cloud": "a cluster, network or domain that is deployed is missing in the account of the token",
  "environment-removal": "an environment is taken out, or renamed, while it is deployed",
  "repository-change": "the repository or branch that Flux follows is changed",
  "storage-shrink": "volumes would have to shrink",
  "storage-class-change": "volumes would have to change their StorageClass",
  "pods-without-room": "the pods would ask for more than the nodes have",
} as const;

export type DangerKind = keyof typeof DANGER_KINDS;

/** Something in a plan or a configuration that takes data, addresses or running applications away. */
export interface Finding {
  readonly kind: DangerKind;
  readonly environment: string;
  /** Where in the configuration file, as in its own messages: `environments[0].cluster.region`. */
  readonly field: string;
  readonly problem: string;
  readonly consequence: string;
  /** The way that is safe. */
  readonly remedy: string;
  /** The name that the environment's cluster has, where the configuration gives it another one. */
  readonly cluster?: string;
  /** What happens if it is allowed, where that is not what somebody who allows it may hope for. */
  readonly allowed?: string;
  /** Why no `--allow` carries it out: the deploy would fail all the same, or leave this as it is. */
  readonly deadEnd?: string;
  /** Its environment is not part of the deploy, so that no plan of it fails for a dead end. */
  readonly leftOut?: boolean;
}

/** What the dangers are looked for in. */
export interface DangerContext {
  readonly workspace: Pick<Workspace, "project" | "configurationName" | "npmRun" | "sandbox" | "variables">;
  readonly plans: readonly StackPlan[];
  /** By environment: what its cluster is now. An environment that was never deployed is not in it. */
  readonly deployed: ReadonlyMap<string, DeployedCluster>;
  /** Stacks that are deployed and no longer in the configuration. */
  readonly orphans: readonly string[];
  /** What states have and the clouds do not. */
  readonly missing: readonly MissingObjects[];
  /** By environment, where a plan changes what the pods ask for or what the nodes have. */
  readonly capacity: ReadonlyMap<string, CapacityAnswer>;
}

/** Looks for one danger. Pure: it reads nothing but its argument. */
export type Danger = (context: DangerContext) => Finding[];

/** Why nothing lets a change through that Terraform's prevent_destroy stops. */
export const PROTECTED =
  "Terraform protects production's cluster, network and domain, and refuses to plan this (prevent_destroy).";

/** Why nothing replaces a network or a cluster in place: of the new one and the old one only one can have the name. */
export const IN_PLACE =
  "Terraform creates the replacement first, and DigitalOcean refuses a second one of the same name.";

/** Where it stands how production ends, which no command destroys. */
export const GIVE_UP_PRODUCTION = "docs/safety.md#giving-production-up";

/** How an environment ends whose successor runs, after `then`. */
export function endOf(production: boolean): string {
  return production ? `give this one up (${GIVE_UP_PRODUCTION})` : "destroy this one";
}

/** Whether an environment is production. One that was taken out of the configuration is known by its name only. */
export function isProduction({ environments }: Project, name: string): boolean {
  return environments.find((environment) => environment.name === name)?.production ?? name === PRODUCTION;
}

/** The path of an environment in the configuration file, or of a field below it. */
export function environmentField({ environments }: Project, name: string, field = ""): string {
  const index = environments.findIndex((environment) => environment.name === name);
  const path = index < 0 ? "environments" : `environments[${index}]`;
  return field === "" ? path : `${path}.${field}`;
}
