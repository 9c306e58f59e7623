import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../../protocol/diagnostics";
import { text, type Values } from "../../protocol/values";
import { goTime } from "../computed";
import type { Call, DataSourceHandler, ResourceHandler } from "../provider";
import { REGIONS } from "./catalog";
import { type Cidr, isPrivate, overlap, parseCidr } from "./cidr";
import { type AccountChange, apiError, type DigitalOceanCloud } from "./cloud";
import { collection, type Fail } from "./collection";

const VPCS = "digitalocean_vpc";

/** Ranges that DigitalOcean keeps for itself. Source: its VPC documentation, "Limits". */
const RESERVED = ["10.244.0.0/16", "10.245.0.0/16", "10.246.0.0/24", "10.229.0.0/16"];
const LARGEST_PREFIX = 16;
const SMALLEST_PREFIX = 28;

/** A /20 below 10.0.0.0/8 that no VPC has. */
function freeRange(taken: readonly Cidr[]): string {
  for (let block = 10 * 16; block < 244 * 16; block++) {
    const range = `10.${Math.floor(block / 16)}.${(block % 16) * 16}.0/20`;
    const candidate = parseCidr(range);
    if (candidate && !taken.some((other) => overlap(candidate, other))) return range;
  }
  return "192.168.0.0/20";
}

function ranges(account: AccountChange, except: string | null): Array<{ name: string; range: Cidr }> {
  return Object.entries(account.objects(VPCS)).flatMap(([id, vpc]) => {
    const range = parseCidr(text(vpc.ip_range) ?? "");
    return range && id !== except ? [{ name: text(vpc.name) ?? id, range }] : [];
  });
}

function check(planned: Values, id: string | null, account: AccountChange, fail: Fail): void {
  const name = text(planned.name) ?? "";
  if (!/^[a-zA-Z0-9.-]+$/.test(name)) {
    fail(422, `invalid name "${name}": only alphanumeric characters, dashes and periods are allowed`);
  }
  if (Object.entries(account.objects(VPCS)).some(([other, vpc]) => other !== id && vpc.name === name)) {
    fail(422, `a VPC with the name "${name}" already exists`);
  }
  if (id !== null) return;
  const region = text(planned.region) ?? "";
  if (!REGIONS[region]) fail(422, `invalid region "${region}"`);
  const range = text(planned.ip_range);
  if (range) checkRange(range, account, fail);
}

function checkRange(text: string, account: AccountChange, fail: Fail): void {
  const range = parseCidr(text);
  if (!range || !isPrivate(range) || range.prefix < LARGEST_PREFIX || range.prefix > SMALLEST_PREFIX) {
    fail(
      422,
      `ip_range "${text}" must be a private range between /${LARGEST_PREFIX} and /${SMALLEST_PREFIX}`,
    );
  }
  if (RESERVED.some((reserved) => overlap(range, parseCidr(reserved) ?? range))) {
    fail(422, `ip_range "${text}" overlaps with a range reserved by DigitalOcean`);
  }
  const taken = ranges(account, null).find((other) => overlap(range, other.range));
  if (taken) fail(422, `ip_range "${text}" overlaps with the range of VPC "${taken.name}"`);
}

/** The default VPC of a region, made when the first cluster without a VPC needs it. */
export function defaultVpc(account: AccountChange, region: string): string {
  const [found] =
    Object.entries(account.objects(VPCS)).find(([, vpc]) => vpc.region === region && vpc.default === true) ??
    [];
  if (found) return found;
  const id = randomUUID();
  account.put(VPCS, id, {
    name: `default-${region}`,
    region,
    ip_range: freeRange(ranges(account, null).map(({ range }) => range)),
    default: true,
    urn: `do:vpc:${id}`,
    created_at: goTime(),
  });
  return id;
}

/** Kinds of objects that are members of a VPC. */
const MEMBERS = ["digitalocean_kubernetes_cluster", "digitalocean_loadbalancer"];

/** How long DigitalOcean makes one VPC, and refuses others meanwhile. */
const CREATION_MS = 200;

/**
 * One VPC at a time, as in the account: the provider's mutex has those of one terraform run wait for each other, and those of another
 * run get a 422. A run is known by the provider block that it sent.
 */
function oneAtATime(create: ResourceHandler["create"]): ResourceHandler["create"] {
  const turns = new WeakMap<Values, Promise<unknown>>();
  let busy: Values | undefined;
  const creating = async (planned: Values, call: Call): Promise<Values> => {
    if (busy !== undefined && busy !== call.config)
      throw apiError(
        "Error creating VPC",
        "POST",
        "vpcs",
        422,
        "another VPC is being created, try again later",
      );
    busy = call.config;
    try {
      await sleep(CREATION_MS);
      return await create(planned, call);
    } finally {
      busy = undefined;
    }
  };
  return (planned, call) => {
    const turn = (turns.get(call.config) ?? Promise.resolve()).then(() => creating(planned, call));
    turns.set(
      call.config,
      turn.catch(() => undefined),
    );
    return turn;
  };
}

/** `digitalocean_vpc`. */
export function vpc(cloud: DigitalOceanCloud): ResourceHandler {
  const handler = collection(cloud, {
    type: VPCS,
    noun: "VPC",
    path: "vpcs",
    forceNew: ["region", "ip_range"],
    validate: (config, report) => {
      const range = text(config.ip_range);
      if (range && !parseCidr(range))
        report(["ip_range"], `expected "ip_range" to be a valid IPv4 Value, got ${range}`);
      for (const name of ["name", "region"])
        if (config[name] === "") report([name], `"${name}" must not be empty`);
    },
    check,
    computed: (_, id, account) => ({
      default: false,
      urn: `do:vpc:${id}`,
      ip_range: freeRange(ranges(account, id).map(({ range }) => range)),
    }),
    beforeRemove: (id, _, account, fail) => {
      const members = MEMBERS.some((type) =>
        Object.values(account.objects(type)).some((member) => member.vpc_uuid === id),
      );
      if (members) fail(403, "Can not delete VPC with members");
      if (account.objects(VPCS)[id]?.default === true) fail(403, "Can not delete default VPCs");
    },
  });
  return { ...handler, create: oneAtATime(handler.create) };
}

/** Data source `digitalocean_vpc`: by id, by region (the default one) or by name. */
export function vpcData(cloud: DigitalOceanCloud): DataSourceHandler {
  return (config) => {
    const [id, name, region] = [text(config.id), text(config.name), text(config.region)];
    const found = Object.entries(cloud.objects(VPCS)).find(([key, vpc]) => {
      if (id) return key === id;
      return region ? vpc.region === region && vpc.default === true : vpc.name === name;
    });
    if (!found) {
      throw new ProviderError(
        `Error retrieving VPC: no VPC found with ${id ? `id ${id}` : region ? `region ${region} (default)` : `name ${name}`}`,
      );
    }
    return { ...found[1], id: found[0] };
  };
}
