import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseState, type ReadableState } from "../../../src/state";
import type { SandboxProject } from "../../support/sandbox-project";

interface StateResource {
  readonly mode: string;
  readonly type: string;
  readonly name: string;
  readonly instances: ReadonlyArray<{
    readonly status?: string;
    readonly attributes: Readonly<Record<string, unknown>>;
  }>;
}

/** Every state of a project that can be read, its backups included. */
export function readableStates(project: SandboxProject): ReadableState[] {
  const folder = join(project.directory, "state");
  if (!existsSync(folder)) return [];
  return (readdirSync(folder, { recursive: true }) as string[])
    .filter((path) => path.endsWith(".tfstate"))
    .map((path) => parseState(readFileSync(join(folder, path))))
    .filter((state): state is ReadableState => state.kind === "state");
}

/** Objects in the clouds of a project that no state and no backup knows: nobody would ever remove them. */
export function unknownObjects(project: SandboxProject): string[] {
  const known = JSON.stringify(readableStates(project).map(({ document }) => document));
  return cloudObjects(project)
    .filter(({ id }) => !known.includes(id))
    .map(({ type, id }) => `${type} ${id}`);
}

/** What is made for a project, without what comes with every account and what a cluster makes of its own. */
export function cloudObjects(project: SandboxProject): ReadonlyArray<{ type: string; id: string }> {
  if (!project.exists("clouds", "digitalocean.json")) return [];
  const cloud: Record<string, Record<string, any>> = project.json("clouds", "digitalocean.json");
  return Object.entries(cloud)
    .filter(([type]) => type.startsWith("digitalocean_"))
    .flatMap(([type, objects]) =>
      Object.entries(objects)
        .filter(
          ([, object]) =>
            object.is_default !== true && object.default !== true && object.default_pool !== true,
        )
        .map(([id]) => ({ type, id })),
    );
}

/**
 * What a project has come to, so that two can be compared: everything in its states and its clouds without what differs between
 * any two deploys (ids, times, addresses that are given out).
 */
export function outcome(project: SandboxProject, stacks: readonly string[]): unknown {
  const count = new Map<string, number>();
  for (const { type } of cloudObjects(project)) count.set(type, (count.get(type) ?? 0) + 1);
  return {
    clouds: Object.fromEntries([...count].sort()),
    stacks: stacks.map((stack) => {
      const { resources, outputs } = project.json("state", `${stack}.tfstate`) as {
        resources: StateResource[];
        outputs: unknown;
      };
      const objects = resources
        .filter(({ mode }) => mode === "managed")
        .map(({ type, name, instances }) => ({
          address: `${type}.${name}`,
          instances: instances.map(({ status, attributes }) => ({ status, attributes })),
        }))
        .sort((a, b) => (a.address < b.address ? -1 : 1));
      return { stack, objects: masked(objects), outputs: masked(outputs) };
    }),
  };
}

/** What a cloud gives out, and what it tells about an object later only, when the state is refreshed. */
const GIVEN_OUT =
  /^(?:id|created_at|updated_at|owner_id|nodes|resources|actual_node_count|kube_config|endpoint|ipv4_address|resource_version|run)$/;

function masked(value: unknown): unknown {
  const text = JSON.stringify(value, (key, one) => (GIVEN_OUT.test(key) ? undefined : one))
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "<id>")
    .replaceAll(/\d{4}-\d\d-\d\d[T ][\d:.]+(?:Z| \+0000 UTC)/g, "<time>");
  return JSON.parse(text);
}
