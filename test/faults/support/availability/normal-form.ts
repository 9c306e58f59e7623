import { existsSync, readdirSync } from "node:fs";
import type { SandboxProject } from "../../../support/sandbox-project";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type Objects = Record<string, Record<string, Json>>;

/** What is another value in each undisturbed deploy: times, tokens, keys, and what follows from them. */
const VOLATILE =
  /^(?:created_at|made_at|updated_at|creationTimestamp|resourceVersion|resource_version|uid|etag|ipv4_address|credentials_key|kube_config|nodes|actual_node_count|uuid|owner_uuid|owner_id|ip_range|private_key|public_key|key_id|key|encrypted_value|sealed_value|node_id|head|generation|managedFields|run|certificate)$/;
/** Counts and sizes are smaller, ids larger. */
const LARGEST_COUNT = 10_000_000;
/** The path of Flux's receiver, which follows from a random token. */
const WEBHOOK = /\/hook\/[0-9a-f]{64}/g;
/** The id of an object, in any cloud. */
const ID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b|\b\d{8,}\b/g;

/**
 * All objects of the clouds and all resources of the states, in a form that two deploys which did the same have in common: ids are
 * replaced by the names of their objects, so that one that was made twice, or that nothing knows of, is seen.
 */
export function normalForm(project: SandboxProject): Json {
  const digitalOcean = project.json("clouds", "digitalocean.json") as Record<string, Objects>;
  const names = new Map<string, string>();
  for (const [type, objects] of Object.entries(digitalOcean))
    for (const [id, object] of Object.entries(objects))
      if (typeof object.name === "string") names.set(id, `<${type} ${object.name}>`);
  const kubernetes = readdirOr(project, "kubernetes").map((file) => [
    names.get(file.replace(/\.json$/, "")) ?? `a cluster that isn't there: ${file}`,
    project.json("clouds", "kubernetes", file),
  ]);
  const states = readdirSync(`${project.directory}/state`)
    .filter((file) => file.endsWith(".tfstate"))
    .map((file) => [file, stateOf(project.json("state", file))]);
  const all = {
    digitalOcean,
    gitHub: project.json("clouds", "github.json"),
    kubernetes: Object.fromEntries(kubernetes),
    states: Object.fromEntries(states),
    unfinished: readdirSync(`${project.directory}/state`).filter((file) => file.includes("unfinished")),
  };
  return settle(all as Json, names);
}

interface State {
  readonly outputs: Json;
  readonly resources: ReadonlyArray<{
    readonly mode: string;
    readonly type: string;
    readonly name: string;
    readonly instances: ReadonlyArray<{ attributes: Json; status?: string; deposed?: string }>;
  }>;
}

function stateOf({ outputs, resources }: State): Json {
  const managed = resources.filter(({ mode }) => mode === "managed");
  return {
    outputs,
    resources: Object.fromEntries(
      managed.map(({ type, name, instances }) => [
        `${type}.${name}`,
        instances.map(({ attributes, status = null, deposed = null }) => ({
          attributes: withoutRefreshed(type, attributes),
          status,
          deposed,
        })),
      ]),
    ),
  };
}

/** What the state has from the last refresh or not at all, and no plan looks at. */
function withoutRefreshed(type: string, attributes: Json): Json {
  const kept = { ...(attributes as Record<string, Json>) };
  // Members are resources of their own.
  if (type === "digitalocean_project") delete kept.resources;
  // The autoscaler's, and ignored.
  if (kept.auto_scale === true) delete kept.node_count;
  return kept;
}

function readdirOr(project: SandboxProject, folder: string): string[] {
  return existsSync(`${project.directory}/clouds/${folder}`)
    ? readdirSync(`${project.directory}/clouds/${folder}`).filter((file) => file.endsWith(".json"))
    : [];
}

function settle(value: Json, names: ReadonlyMap<string, string>): Json {
  const text = (one: string): string =>
    one.replace(WEBHOOK, "/hook/<digest>").replace(ID, (id) => names.get(id) ?? "<id>");
  if (typeof value === "string") return text(value);
  if (typeof value === "number") return value > LARGEST_COUNT ? "<id>" : value;
  if (Array.isArray(value)) return value.map((one) => settle(one, names));
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value)
    .filter(([key]) => !VOLATILE.test(key))
    .map(([key, one]) => {
      const [name, object] = [text(key), settle(one, names)];
      // Several objects can have one name, or none: what they are tells them apart.
      return [name === key ? name : `${name} ${JSON.stringify(object)}`, object] as const;
    })
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const times = new Map<string, number>();
  return Object.fromEntries(
    entries.map(([key, object]) => {
      const count = (times.get(key) ?? 0) + 1;
      times.set(key, count);
      return [count > 1 ? `${key} (number ${count})` : key, object];
    }),
  );
}
