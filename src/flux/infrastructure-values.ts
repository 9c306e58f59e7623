import { stringify } from "yaml";
import type { Environment } from "../config";

/** The ConfigMaps that Terraform writes into the cluster for Flux, both in the namespace flux-system. */
export const FLUX_NAMESPACE = "flux-system";
export const VALUES_CONFIG_MAP = "infrastructure-config";
export const VALUES_KEY = "values.yaml";
export const VARIABLES_CONFIG_MAP = "infrastructure-vars";
/** With this label a change reaches Flux at once, without it only at the next interval. */
export const WATCH_LABEL = { "reconcile.fluxcd.io/watch": "Enabled" } as const;

/** The first part of every variable's name, which is how the workflow document calls the values. */
export const VARIABLE_PREFIX = "infraConfig";

/** A value of the document: everything in it can be flattened to strings. */
export type Value = string | number | boolean | { readonly [key: string]: Value };

/**
 * The dynamic configuration of an environment: what follows from its infrastructure. Charts read it as a document,
 * manifests as variables.
 */
export function infrastructureValues(environment: Environment): { readonly [key: string]: Value } {
  const { cluster, networking } = environment;
  return {
    resourceProfiles: environment.resourceProfiles as unknown as Value,
    storage: environment.storage as unknown as Value,
    cluster: {
      name: cluster.name,
      environment: environment.name,
      region: cluster.region,
      domain: environment.domain,
      nodeSize: cluster.node.slug,
      nodeCount: cluster.nodeCount,
      haControlPlane: cluster.haControlPlane,
    },
    networking: networking as unknown as Value,
    applications: environment.applications as unknown as Value,
  };
}

/** The document as YAML: key `values.yaml` of the ConfigMap infrastructure-config. */
export function valuesYaml(environment: Environment): string {
  return stringify(infrastructureValues(environment), { aliasDuplicateObjects: false, lineWidth: 0 });
}

/**
 * The document flattened for `postBuild.substituteFrom`: `storage.bulk.size` becomes `infraConfig_storage_bulk_size`,
 * and every object is there as one line of JSON under its own name. A dash in a key becomes an underscore, since
 * Flux takes only names of letters, digits and underscores; a key that can't be written so (`nvidia.com/gpu`) is
 * left to the JSON of its parent. `quote` keeps a substituted number a string: `${quote}${value}${quote}`.
 */
export function infrastructureVariables(environment: Environment): Record<string, string> {
  const variables: Record<string, string> = { quote: '"' };
  flatten(VARIABLE_PREFIX, infrastructureValues(environment), variables);
  return variables;
}

const VARIABLE_PART = /^[A-Za-z0-9_-]+$/;

function flatten(name: string, value: Value, variables: Record<string, string>): void {
  if (typeof value !== "object") {
    variables[name] = String(value);
    return;
  }
  if (name !== VARIABLE_PREFIX) variables[name] = JSON.stringify(value);
  for (const [key, inner] of Object.entries(value)) {
    if (VARIABLE_PART.test(key)) flatten(`${name}_${key.replaceAll("-", "_")}`, inner, variables);
  }
}
