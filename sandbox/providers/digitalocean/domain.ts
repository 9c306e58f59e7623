import { isIPv4, isIPv6 } from "node:net";
import { ProviderError } from "../../protocol/diagnostics";
import { text, type Values } from "../../protocol/values";
import { randomId } from "../computed";
import type { DataSourceHandler, Report, ResourceHandler } from "../provider";
import type { AccountChange, DigitalOceanCloud } from "./cloud";
import { collection, type Fail } from "./collection";

const DOMAINS = "digitalocean_domain";
const RECORDS = "digitalocean_record";
const DEFAULT_TTL = 1800;
const DOMAIN_NAME = /^(?=.{1,253}$)([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/i;
const TYPES = ["A", "AAAA", "CAA", "CNAME", "MX", "NS", "TXT", "SRV", "SOA"];
/** What a type needs besides its value. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  MX: ["priority"],
  SRV: ["priority", "weight"],
  CAA: ["flags", "tag"],
};
const MAXIMUM_PORT = 65_535;

/** `digitalocean_domain`; its records go with it. */
export function domain(cloud: DigitalOceanCloud): ResourceHandler {
  return collection(cloud, {
    type: DOMAINS,
    noun: "Domain",
    path: "domains",
    forceNew: ["name", "ip_address"],
    keptFromState: ["ip_address"],
    id: (planned) => text(planned.name) ?? "",
    validate: (config, report) => {
      for (const name of ["name", "ip_address"])
        if (config[name] === "") report([name], `"${name}" must not be empty`);
    },
    check: (planned, id, account, fail) => {
      const name = text(planned.name) ?? "";
      if (id !== null) return;
      if (!DOMAIN_NAME.test(name)) fail(422, `Name ${name} is not a valid domain name`);
      if (account.objects(DOMAINS)[name]) fail(422, `domain '${name}': name already exists`);
      const address = text(planned.ip_address);
      if (address && !isIPv4(address)) fail(422, `ip_address "${address}" is not a valid IPv4 address`);
      if (address) {
        account.put(RECORDS, String(randomId()), {
          domain: name,
          type: "A",
          name: "@",
          value: address,
          ttl: DEFAULT_TTL,
        });
      }
    },
    computed: (_, id) => ({ ttl: DEFAULT_TTL, urn: `do:domain:${id}` }),
    beforeRemove: (id, _, account) => {
      for (const [record, { domain }] of Object.entries(account.objects(RECORDS))) {
        if (domain === id) account.remove(RECORDS, record);
      }
    },
  });
}

function validateRecord(config: Values, report: Report): void {
  const type = text(config.type);
  if (type && !TYPES.includes(type)) {
    report(["type"], `expected type to be one of ["${TYPES.join('" "')}"], got ${type}`);
  }
  for (const name of ["domain", "name"])
    if (config[name] === "") report([name], `"${name}" must not be empty`);
  for (const name of ["port", "priority", "weight"]) {
    const value = config[name];
    if (typeof value === "number" && (value < 0 || value > MAXIMUM_PORT)) {
      report([name], `expected ${name} to be in the range (0 - ${MAXIMUM_PORT}), got ${value}`);
    }
  }
  if (typeof config.ttl === "number" && config.ttl < 1) {
    report(["ttl"], `expected ttl to be at least (1), got ${config.ttl}`);
  }
}

function checkRecord(planned: Values, account: AccountChange, fail: Fail): void {
  const [type = "", value = "", zone = ""] = [planned.type, planned.value, planned.domain].map(text);
  if (!account.objects(DOMAINS)[zone]) fail(404, "The resource you were accessing could not be found.");
  if (type === "A" && !isIPv4(value)) fail(422, "Data is not a valid IPv4 address");
  if (type === "AAAA" && !isIPv6(value)) fail(422, "Data is not a valid IPv6 address");
  if (["CNAME", "MX", "NS", "SRV"].includes(type) && value !== "@" && !value.endsWith(".")) {
    fail(422, "Data needs to end with a dot (.)");
  }
}

/** The full name of a record, as the provider makes it. */
function fullName(record: Values): string {
  const [name = "", zone = ""] = [record.name, record.domain].map(text);
  if (name === "@") return zone;
  return name.toLowerCase().endsWith(`${zone}.`) ? name.toLowerCase().slice(0, -1) : `${name}.${zone}`;
}

/** `digitalocean_record`. */
export function record(cloud: DigitalOceanCloud): ResourceHandler {
  const handler = collection(cloud, {
    type: RECORDS,
    noun: "record",
    path: "domains/records",
    forceNew: ["type", "domain"],
    volatile: ["fqdn"],
    validate: validateRecord,
    customizePlan: (planned) => {
      const missing = (NEEDED[text(planned.type) ?? ""] ?? []).find((name) => planned[name] === null);
      if (missing)
        throw new ProviderError(`\`${missing}\` is required for when type is \`${text(planned.type)}\``);
      return [];
    },
    id: () => String(randomId()),
    check: (planned, _, account, fail) => checkRecord(planned, account, fail),
    computed: (planned) => ({ ttl: DEFAULT_TTL, fqdn: fullName(planned) }),
    afterRead: (object) => ({ ...object, fqdn: fullName(object) }),
    importState: (argument) => {
      const [zone, id] = argument.split(",");
      if (!zone || !id || !/^\d+$/.test(id)) throw new ProviderError(`invalid record ID: ${argument}`);
      return { id, domain: zone };
    },
  });
  return {
    ...handler,
    read: (state, call) => {
      const zone = text(state.domain);
      // The zone was deleted and its records with it.
      if (zone !== undefined && !cloud.object(DOMAINS, zone)) return null;
      return handler.read(state, call);
    },
  };
}

/** Data source `digitalocean_domain`. */
export function domainData(cloud: DigitalOceanCloud): DataSourceHandler {
  return (config) => {
    const name = text(config.name) ?? "";
    const found = cloud.object(DOMAINS, name);
    if (!found) throw new ProviderError(`domain not found: ${name}`);
    const lines = Object.values(cloud.objects(RECORDS))
      .filter((entry) => entry.domain === name)
      .map((entry) => `${fullName(entry)}. ${entry.ttl} IN ${entry.type} ${entry.value}`);
    return { ...found, id: name, zone_file: `$ORIGIN ${name}.\n$TTL ${DEFAULT_TTL}\n${lines.join("\n")}\n` };
  };
}
