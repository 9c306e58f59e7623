import { environmentOf, type ResourceChange } from "../../terraform";
import {
  type Danger,
  type DangerKind,
  endOf,
  environmentField,
  type Finding,
  IN_PLACE,
  isProduction,
  PROTECTED,
} from "./danger";

/** Resources whose loss takes something with it that no later deploy brings back. The first pattern that fits a type counts. */
const IRREPLACEABLE: ReadonlyArray<{
  readonly type: RegExp;
  readonly kind: DangerKind;
  /** The part of an environment that it comes from; of the project where it begins with that. */
  readonly field: string;
  readonly what: string;
  readonly lost: string;
}> = [
  {
    type: /^digitalocean_kubernetes_cluster$/,
    kind: "cluster-loss",
    field: "cluster",
    what: "the cluster with everything that runs in it",
    lost: "Every application stops, its address changes, and what is only in the cluster is gone.",
  },
  {
    type: /^digitalocean_vpc$/,
    kind: "vpc-loss",
    field: "cluster",
    what: "the network that the cluster is in",
    lost: "A cluster can't change its network: it is replaced too, and all private addresses change.",
  },
  {
    type: /^digitalocean_domain$/,
    kind: "domain-loss",
    field: "project.domain",
    what: "the domain's zone with all its records",
    lost: "Every host below it stops being found, mail included, also those that were not made by Terraform.",
  },
  {
    type: /^digitalocean_database_(?:cluster|replica|db)$/,
    kind: "database-loss",
    field: "",
    what: "the database with everything in it",
    lost: "Its data and DigitalOcean's own backups of it are deleted with it.",
  },
  {
    type: /^(?:digitalocean_volume|kubernetes_persistent_volume(?:_claim)?(?:_v1)?)$/,
    kind: "volume-loss",
    field: "",
    what: "the volume with everything on it",
    lost: "Its data is deleted with it.",
  },
  {
    type: /^digitalocean_spaces_bucket$/,
    kind: "bucket-loss",
    field: "",
    what: "the bucket with everything in it",
    lost: "Its objects and their versions are deleted with it.",
  },
];

/**
 * A plan that destroys or replaces a cluster, VPC, domain, database, volume or bucket. One that an interrupted deploy left half made
 * (tainted) may be replaced: nothing is in it yet, and without that no later deploy could carry on.
 */
export const lostResources: Danger = ({ plans, workspace: { project, configurationName, npmRun } }) =>
  plans.flatMap(({ stack, changes }) =>
    changes
      .filter(({ action, tainted = false }) => action === "destroy" || (action === "replace" && !tainted))
      .flatMap((change): Finding[] => {
        const found = IRREPLACEABLE.find(({ type }) => type.test(change.type));
        if (!found) return [];
        const environment = environmentOf(stack);
        const production = isProduction(project, environment);
        const deadEnd = reasonAgainst(change, production);
        const verb = change.action === "replace" ? "replaced" : "destroyed";
        return [
          {
            kind: found.kind,
            environment,
            field: found.field.startsWith("project.")
              ? found.field
              : environmentField(project, environment, found.field),
            problem: `${stack.name}: ${change.address} would be ${verb}, ${found.what}${reasons(change)}.`,
            consequence: found.lost,
            remedy: production
              ? `take the change in ${configurationName} back. To move for real, deploy a new environment beside this one, move the data, then ${endOf(true)}.`
              : `take the change in ${configurationName} back. To move for real, deploy a new environment beside this one, or give this one up first: ${npmRun("destroy", "--environment", environment)}`,
            ...(deadEnd === undefined ? {} : { deadEnd }),
          },
        ];
      }),
  );

/** Why a loss that is allowed doesn't come about. */
function reasonAgainst(
  { type, action, createFirst }: ResourceChange,
  production: boolean,
): string | undefined {
  if (production && PROTECTED_TYPES.includes(type)) return PROTECTED;
  return action === "replace" && createFirst && NAMED_ONCE.includes(type) ? IN_PLACE : undefined;
}

/** What the stacks of production protect by prevent_destroy. */
const PROTECTED_TYPES = ["digitalocean_kubernetes_cluster", "digitalocean_vpc", "digitalocean_domain"];
/** What DigitalOcean has no two of with one name. */
const NAMED_ONCE = ["digitalocean_kubernetes_cluster", "digitalocean_vpc"];

/** ` (region: "nyc3" -> "fra1")`: the attributes that force a replacement. */
function reasons({ attributes }: ResourceChange): string {
  const forced = attributes.filter(({ forcesReplacement }) => forcesReplacement);
  const told = forced.map(({ path, before, after, unknown, sensitive }) =>
    sensitive ? path : `${path}: ${JSON.stringify(before)} -> ${unknown ? "(new)" : JSON.stringify(after)}`,
  );
  return told.length > 0 ? ` (${told.join(", ")})` : "";
}
