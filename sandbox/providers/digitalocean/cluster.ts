import { randomBytes, randomUUID } from "node:crypto";
import { ProviderError } from "../../protocol/diagnostics";
import { blocks, copy, isValues, text, type Value, type Values } from "../../protocol/values";
import { completeUnknowns, goTime } from "../computed";
import type { DataSourceHandler, Report, ResourceHandler } from "../provider";
import { removeAssociatedResources } from "./associated-resources";
import { REGIONS } from "./catalog";
import { overlap, parseCidr } from "./cidr";
import { type AccountChange, apiError, type DigitalOceanCloud, NOT_FOUND } from "./cloud";
import type { Fail } from "./collection";
import { endpointOf, kubeConfig } from "./credentials";
import {
  CLUSTERS,
  checkPool,
  POOL_VOLATILE,
  POOLS,
  poolsOf,
  putPool,
  readPool,
  validatePool,
} from "./node-pools";
import { followOffers, offeredVersions, statusOf, upgrade } from "./upgrades";
import { compareVersions, minorOf } from "./versions";
import { defaultVpc } from "./vpc";

const PATH = "kubernetes/clusters";
const DAYS = ["any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
const MAINTENANCE_DURATION = "4h0m0s";

/** Attributes that belong to Terraform alone: the API doesn't have them. */
const STATE_ONLY = ["destroy_all_associated_resources", "kubeconfig_expire_seconds", "registry_integration"];
/** Blocks that the API fills in by itself and that are read only where the configuration has them. */
const OPTIONAL_BLOCKS = [
  "amd_gpu_device_metrics_exporter_plugin",
  "amd_gpu_device_plugin",
  "cluster_autoscaler_configuration",
  "control_plane_firewall",
  "maintenance_policy",
  "routing_agent",
];

/** What a cluster needs from the kubernetes stand-in. */
export interface ClusterObjects {
  /** Called when a cluster was created. */
  created(clusterId: string): void;
  /** Called when a cluster was deleted: its Kubernetes objects go with it. */
  deleted(clusterId: string): void;
}

/** The newest version that a slug, a minor version or `latest` stands for. */
function resolveVersion(wanted: string, offered: readonly string[]): string | undefined {
  if (offered.includes(wanted)) return wanted;
  if (wanted === "latest") return offered[0];
  return /^\d+\.\d+$/.test(wanted) ? offered.find((version) => version.startsWith(`${wanted}.`)) : undefined;
}

function validate(config: Values, report: Report): void {
  for (const name of ["name", "region", "version"]) {
    if (config[name] === "") report([name], `"${name}" must not be empty`);
  }
  for (const name of ["cluster_subnet", "service_subnet"]) {
    const range = text(config[name]);
    if (range && !parseCidr(range))
      report([name], `expected "${name}" to be a valid IPv4 Value, got ${range}`);
  }
  blocks(config.maintenance_policy).forEach(({ day }, index) => {
    if (typeof day === "string" && !DAYS.includes(day.toLowerCase())) {
      report(
        ["maintenance_policy", index, "day"],
        `expected maintenance_policy.${index}.day to be one of ["${DAYS.join('" "')}"], got ${day}`,
      );
    }
  });
  blocks(config.node_pool).forEach((pool, index) => {
    validatePool(pool, ["node_pool", index], report);
  });
}

/** Refuses a cluster as the API does. `id` is null for a new one. */
function check(planned: Values, id: string | null, account: AccountChange, fail: Fail): void {
  const name = text(planned.name) ?? "";
  if (!/^[a-z0-9]([-a-z0-9.]{0,253}[a-z0-9])?$/.test(name)) {
    fail(
      422,
      `validation error: invalid name "${name}": only lower case alphanumeric characters, "-" and "." are allowed`,
    );
  }
  if (
    Object.entries(account.objects(CLUSTERS)).some(
      ([other, cluster]) => other !== id && cluster.name === name,
    )
  ) {
    fail(422, `validation error: a cluster with the name "${name}" already exists`);
  }
  const [policy] = blocks(planned.maintenance_policy);
  const start = text(policy?.start_time);
  if (start !== undefined && !/^([01]?\d|2[0-3]):[0-5]\d$/.test(start)) {
    fail(422, `validation error: maintenance_policy.start_time "${start}" must be a time such as 04:00`);
  }
}

function checkNew(planned: Values, account: AccountChange, fail: Fail): string {
  const region = text(planned.region) ?? "";
  if (!REGIONS[region]) fail(422, `validation error: invalid region "${region}"`);
  const version = resolveVersion(text(planned.version) ?? "", offeredVersions(account));
  if (!version) fail(422, `validation error: invalid version slug "${text(planned.version)}"`);
  const vpcId = text(planned.vpc_uuid);
  if (vpcId === undefined) return version;
  const vpc = account.objects("digitalocean_vpc")[vpcId];
  if (!vpc) fail(422, `validation error: VPC ${vpcId} was not found`);
  if (vpc.region !== region) {
    fail(422, `validation error: VPC ${vpcId} is in region ${text(vpc.region)} and not in ${region}`);
  }
  const range = parseCidr(text(vpc.ip_range) ?? "");
  for (const name of ["cluster_subnet", "service_subnet"]) {
    const subnet = parseCidr(text(planned[name]) ?? "");
    if (range && subnet && overlap(range, subnet)) {
      fail(422, `validation error: ${name} overlaps with the IP range of the VPC`);
    }
  }
  return version;
}

/** Refuses what the API can't change in place, and returns the version that a change leads to. */
function checkChange(planned: Values, stored: Values, offered: readonly string[], fail: Fail): string {
  if (stored.ha === true && planned.ha !== true) {
    fail(422, "validation error: a highly available control plane can not be disabled");
  }
  const [current, wanted] = [text(stored.version) ?? "", text(planned.version) ?? ""];
  if (current === wanted) return current;
  if (statusOf(stored) === "upgrading") fail(422, "validation error: the cluster is being upgraded");
  const version = resolveVersion(wanted, offered);
  if (!version) fail(422, `validation error: invalid version slug "${wanted}"`);
  if ((compareVersions(version, current) ?? 0) < 0) {
    fail(422, `validation error: ${version} is no upgrade of ${current}`);
  }
  if (minorOf(version)[1] - minorOf(current)[1] > 1) {
    fail(
      422,
      `validation error: ${current} can only be upgraded to the next minor version, not to ${version}`,
    );
  }
  return version;
}

/** Writes the policy's computed attributes as the API does. */
function completePolicy(object: Values): void {
  for (const policy of blocks(object.maintenance_policy)) {
    if (typeof policy.day !== "string") policy.day = "any";
    if (typeof policy.start_time !== "string") policy.start_time = "04:00";
    policy.duration = MAINTENANCE_DURATION;
  }
}

/** The default pool of a cluster as an element of `node_pool`. */
function defaultPool(pools: ReadonlyArray<[string, Values]>, state: Values): Values[] {
  const [entry] = pools.filter(([, pool]) => pool.default_pool === true);
  const [before] = blocks(state.node_pool);
  return entry ? [readPool(entry[0], entry[1], before ?? { node_count: null })] : [];
}

const lifetime = (object: Values): number | null =>
  typeof object.kubeconfig_expire_seconds === "number" ? object.kubeconfig_expire_seconds : null;

/** The credentials in the state while they are good, else new ones. */
function currentCredentials(id: string, cluster: Values, state: Values): Value {
  const [credentials] = blocks(state.kube_config);
  const expiry = Date.parse(text(credentials?.expires_at) ?? "");
  return expiry > Date.now() ? (state.kube_config ?? null) : [kubeConfig(id, cluster, lifetime(state))];
}

/** A cluster as Terraform reads it. */
function readCluster(
  id: string,
  stored: Values,
  pools: ReadonlyArray<[string, Values]>,
  state: Values,
): Values {
  const object: Values = { ...copy(stored), id, status: statusOf(stored), timeouts: state.timeouts ?? null };
  for (const name of STATE_ONLY) object[name] = state[name] ?? null;
  for (const name of OPTIONAL_BLOCKS) if (blocks(state[name]).length === 0) object[name] = [];
  // Unset stays unset: the API writes false where nothing was configured, and the provider doesn't see a difference.
  if (state.auto_upgrade === null && object.auto_upgrade === false) object.auto_upgrade = null;
  object.node_pool = defaultPool(pools, state);
  object.kube_config = currentCredentials(id, stored, state);
  return object;
}

/** `digitalocean_kubernetes_cluster`. */
export function cluster(cloud: DigitalOceanCloud, objects: ClusterObjects): ResourceHandler {
  const failing =
    (prefix: string, method: "POST" | "PUT" | "DELETE", path: string): Fail =>
    (status, message) => {
      throw apiError(prefix, method, path, status, message);
    };
  return {
    forceNew: ["region", "vpc_uuid", "cluster_subnet", "service_subnet", "node_pool.size"],
    defaults: {
      ha: false,
      surge_upgrade: true,
      registry_integration: false,
      destroy_all_associated_resources: false,
      "node_pool.auto_scale": false,
    },
    // `version` is not computed, but the API resolves a minor version to a patch and the state has that.
    volatile: ["updated_at", "version", "kube_config", ...POOL_VOLATILE],
    validate,
    customizePlan: (planned, prior) => {
      const [before, after] = [text(prior?.version), text(planned.version)];
      return before && after && (compareVersions(after, before) ?? 0) < 0 ? [["version"]] : [];
    },
    create: (planned, call) => {
      const created = cloud.update((account) => {
        const fail: Fail = failing("Error creating Kubernetes cluster", "POST", PATH);
        check(planned, null, account, fail);
        const version = checkNew(planned, account, fail);
        const [pool] = blocks(planned.node_pool);
        const count = checkPool(pool ?? {}, fail);
        const id = randomUUID();
        const now = goTime();
        const vpc = text(planned.vpc_uuid) ?? defaultVpc(account, text(planned.region) ?? "");
        const poolId = randomUUID();
        putPool(account, poolId, pool ?? {}, count, { cluster_id: id, default_pool: true });
        completePolicy(planned);
        completeUnknowns(call.block, planned, {
          id,
          urn: `do:kubernetes:${id}`,
          endpoint: endpointOf(id),
          ipv4_address: `203.0.113.${1 + Math.floor(Math.random() * 254)}`,
          cluster_subnet: "10.244.0.0/16",
          service_subnet: "10.245.0.0/16",
          status: "running",
          vpc_uuid: vpc,
          created_at: now,
          updated_at: now,
        });
        const stored: Values = {
          ...planned,
          version,
          auto_upgrade: planned.auto_upgrade ?? false,
          kube_config: null,
          node_pool: null,
          credentials_key: randomBytes(16).toString("hex"),
        };
        for (const name of STATE_ONLY) stored[name] = null;
        account.put(CLUSTERS, id, stored);
        return { id, stored: account.objects(CLUSTERS)[id] ?? {}, pools: poolsOf(account, id) };
      });
      objects.created(created.id);
      return readCluster(created.id, created.stored, created.pools, { ...planned, kube_config: null });
    },
    read: (state) => {
      const id = text(state.id) ?? "";
      followOffers(cloud);
      const stored = cloud.object(CLUSTERS, id);
      return stored ? readCluster(id, stored, poolsOf(cloud, id), state) : null;
    },
    update: (planned, prior) =>
      cloud.update((account) => {
        const id = text(prior.id) ?? "";
        const fail: Fail = failing("Unable to update cluster", "PUT", `${PATH}/${id}`);
        const stored = account.objects(CLUSTERS)[id];
        if (!stored) fail(404, NOT_FOUND);
        check(planned, id, account, fail);
        const version = checkChange(planned, stored, offeredVersions(account), fail);
        completePolicy(planned);
        const [pool] = blocks(planned.node_pool);
        const [before] = poolsOf(account, id).filter(([, other]) => other.default_pool === true);
        if (pool && before) {
          const count = checkPool(
            { ...pool, node_count: pool.node_count ?? before[1].node_count ?? null },
            fail,
          );
          putPool(account, before[0], pool, count, { cluster_id: id, default_pool: true });
        }
        const changed: Values = {
          ...stored,
          ...planned,
          version: stored.version ?? null,
          status: stored.status ?? null,
          auto_upgrade: planned.auto_upgrade ?? false,
          kube_config: null,
          node_pool: null,
          updated_at: goTime(),
        };
        for (const name of STATE_ONLY) changed[name] = null;
        account.put(CLUSTERS, id, changed);
        if (version !== stored.version) upgrade(account, id, version);
        const read = readCluster(id, account.objects(CLUSTERS)[id] ?? {}, poolsOf(account, id), planned);
        // Terraform lets the real provider's answer differ from the plan; here it would end the apply.
        return { ...read, status: planned.status ?? null };
      }),
    remove: (prior) => {
      const id = text(prior.id) ?? "";
      cloud.update((account) => {
        if (prior.destroy_all_associated_resources === true) removeAssociatedResources(account, id);
        account.remove(CLUSTERS, id);
        for (const [pool] of poolsOf(account, id)) account.remove(POOLS, pool);
        account.forget(`do:kubernetes:${id}`);
      });
      objects.deleted(id);
    },
    importState: (id) => {
      if (!cloud.object(CLUSTERS, id))
        throw apiError("Error importing cluster", "GET", `${PATH}/${id}`, 404, NOT_FOUND);
      return { id };
    },
  };
}

/** What the API lists where nobody asks for more: the provider looks for a name no further. */
const FIRST_PAGE = 20;

/** Data source `digitalocean_kubernetes_cluster`: by name, with fresh credentials on every read. */
export function clusterData(cloud: DigitalOceanCloud): DataSourceHandler {
  return (config) => {
    followOffers(cloud);
    const [id, stored] =
      Object.entries(cloud.objects(CLUSTERS))
        .slice(0, FIRST_PAGE)
        .find(([, candidate]) => candidate.name === config.name) ?? [];
    if (id === undefined || stored === undefined) {
      throw new ProviderError(`Unable to find cluster with name: ${text(config.name)}`);
    }
    if (text(stored.status) === "provisioning" || text(stored.status) === "error")
      throw apiError("Unable to retrieve credentials", "GET", `${PATH}/${id}/credentials`, 404, NOT_FOUND);
    const object = copy(stored);
    const pools = poolsOf(cloud, id).map(([poolId, pool]) => [poolId, pool] as [string, Values]);
    return {
      ...object,
      id,
      status: statusOf(stored),
      kubeconfig_expire_seconds: config.kubeconfig_expire_seconds ?? null,
      tags: config.tags ?? object.tags ?? null,
      maintenance_policy: object.maintenance_policy ?? [
        { day: "any", duration: MAINTENANCE_DURATION, start_time: "04:00" },
      ],
      control_plane_firewall: object.control_plane_firewall ?? [],
      node_pool: defaultPool(pools, { node_pool: [{ node_count: 0 }] }).map((pool) => ({
        ...pool,
        labels: isValues(pool.labels) ? pool.labels : {},
        tags: pool.tags ?? [],
        taint: pool.taint ?? [],
      })),
      kube_config: [kubeConfig(id, object, lifetime(config))],
    };
  };
}

/** Data source `digitalocean_kubernetes_versions`: an unknown prefix leaves `latest_version` empty. */
export function versionsData(cloud: DigitalOceanCloud): DataSourceHandler {
  return (config) => {
    const prefix = text(config.version_prefix) ?? "";
    const versions = offeredVersions(cloud).filter((version) => version.startsWith(prefix));
    return { ...config, id: randomUUID(), valid_versions: versions, latest_version: versions[0] ?? null };
  };
}
