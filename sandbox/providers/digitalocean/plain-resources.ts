import { randomUUID } from "node:crypto";
import { text, type Values } from "../../protocol/values";
import type { Report, ResourceHandler } from "../provider";
import { REGIONS } from "./catalog";
import type { DigitalOceanCloud } from "./cloud";
import { type CollectionOptions, collection } from "./collection";
import { defaultVpc } from "./vpc";

const CERTIFICATE_DAYS = 90;
const DAY_MS = 24 * 3600 * 1000;

function oneOf(report: Report, config: Values, name: string, values: readonly string[]): void {
  const value = text(config[name]);
  if (value && !values.includes(value)) {
    report([name], `expected ${name} to be one of ["${values.join('" "')}"], got ${value}`);
  }
}

const address = () => `203.0.113.${1 + Math.floor(Math.random() * 254)}`;

/**
 * Resource types that the stacks don't depend on in detail: created, read, updated and deleted with the real defaults
 * and replacements, but without the rules between objects.
 */
const PLAIN: readonly CollectionOptions[] = [
  {
    type: "digitalocean_certificate",
    noun: "certificate",
    path: "certificates",
    forceNew: ["name", "private_key", "leaf_certificate", "certificate_chain", "domains", "type"],
    defaults: { type: "custom" },
    keptFromState: ["private_key", "leaf_certificate", "certificate_chain"],
    id: (planned) => text(planned.name) ?? randomUUID(),
    validate: (config, report) => oneOf(report, config, "type", ["custom", "lets_encrypt"]),
    check: (planned, _, __, fail) => {
      if (planned.type === "custom" && (!text(planned.private_key) || !text(planned.leaf_certificate))) {
        fail(422, "private_key and leaf_certificate are required for when type is `custom`");
      }
      if (planned.type === "lets_encrypt" && !Array.isArray(planned.domains)) {
        fail(422, "domains is required for when type is `lets_encrypt`");
      }
    },
    computed: () => ({
      state: "verified",
      not_after: new Date(Date.now() + CERTIFICATE_DAYS * DAY_MS).toISOString(),
      sha1_fingerprint: randomUUID().replaceAll("-", ""),
    }),
  },
  {
    type: "digitalocean_container_registry",
    noun: "container registry",
    path: "registry",
    forceNew: ["name", "region"],
    id: (planned) => text(planned.name) ?? "",
    validate: (config, report) =>
      oneOf(report, config, "subscription_tier_slug", ["starter", "basic", "professional"]),
    computed: (_, id) => ({
      endpoint: `registry.digitalocean.com/${id}`,
      server_url: "registry.digitalocean.com",
      region: "nyc3",
    }),
  },
  {
    type: "digitalocean_firewall",
    noun: "firewall",
    path: "firewalls",
    computed: () => ({ status: "succeeded" }),
  },
  {
    type: "digitalocean_loadbalancer",
    noun: "Load Balancer",
    path: "load_balancers",
    forceNew: ["region", "vpc_uuid", "type", "network", "network_stack"],
    defaults: {
      algorithm: "round_robin",
      redirect_http_to_https: false,
      enable_proxy_protocol: false,
      enable_backend_keepalive: false,
      disable_lets_encrypt_dns_records: false,
      "forwarding_rule.tls_passthrough": false,
      "healthcheck.check_interval_seconds": 10,
      "healthcheck.response_timeout_seconds": 5,
      "healthcheck.unhealthy_threshold": 3,
      "healthcheck.healthy_threshold": 5,
      "sticky_sessions.type": "none",
      "domains.is_managed": false,
      "glb_settings.cdn.is_enabled": false,
    },
    check: (planned, _, __, fail) => {
      const region = text(planned.region);
      if (region && !REGIONS[region]) fail(422, `invalid region "${region}"`);
    },
    computed: (planned, id, account) => ({
      urn: `do:loadbalancer:${id}`,
      ip: address(),
      status: "active",
      size_unit: 1,
      type: "REGIONAL",
      http_idle_timeout_seconds: 60,
      vpc_uuid: defaultVpc(account, text(planned.region) ?? "nyc3"),
      project_id: account.defaultProject(),
    }),
  },
  {
    type: "digitalocean_monitor_alert",
    noun: "Alert Policy",
    path: "monitoring/alerts",
    defaults: { enabled: true },
    validate: (config, report) => {
      oneOf(report, config, "compare", ["GreaterThan", "LessThan"]);
      oneOf(report, config, "window", ["5m", "10m", "30m", "1h"]);
    },
    computed: (_, id) => ({ uuid: id }),
  },
  {
    type: "digitalocean_reserved_ip",
    noun: "reserved IP",
    path: "reserved_ips",
    forceNew: ["region"],
    id: address,
    computed: (_, id) => ({ ip_address: id, urn: `do:reservedip:${id}` }),
  },
  {
    type: "digitalocean_tag",
    noun: "tag",
    path: "tags",
    forceNew: ["name"],
    id: (planned) => text(planned.name) ?? "",
    check: (planned, _, __, fail) => {
      if (!/^[a-zA-Z0-9:_-]{1,255}$/.test(text(planned.name) ?? "")) fail(422, "Name has invalid characters");
    },
  },
  {
    type: "digitalocean_uptime_alert",
    noun: "Uptime Alert",
    path: "uptime/alerts",
    validate: (config, report) => {
      oneOf(report, config, "type", ["latency", "down", "down_global", "ssl_expiry"]);
      oneOf(report, config, "comparison", ["greater_than", "less_than"]);
    },
  },
  {
    type: "digitalocean_uptime_check",
    noun: "Uptime Check",
    path: "uptime/checks",
    defaults: { type: "https", enabled: true },
    validate: (config, report) => oneOf(report, config, "type", ["ping", "http", "https"]),
  },
];

/** Handlers of the plain types, by type. */
export function plainResources(cloud: DigitalOceanCloud): Record<string, ResourceHandler> {
  return Object.fromEntries(PLAIN.map((options) => [options.type, collection(cloud, options)]));
}
