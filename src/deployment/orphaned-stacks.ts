import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";

/**
 * Stacks with resources in their state that the configuration no longer has: their environment, or `github`, was taken out while
 * it was deployed. No plan shows them, and they would be paid for ever. Only local states can be listed.
 */
export function orphanedStacks(
  { directory, project }: Pick<Workspace, "directory" | "project">,
  all: readonly SynthesizedStack[],
): string[] {
  const folder = join(directory, "state");
  if (project.state.backend !== "local" || !existsSync(folder)) return [];
  const known = new Set(all.map(({ name }) => name));
  return readdirSync(folder)
    .filter((file) => file.endsWith(".tfstate"))
    .map((file) => file.slice(0, -".tfstate".length))
    .filter((name) => !known.has(name) && hasResources(join(folder, `${name}.tfstate`)))
    .sort();
}

function hasResources(file: string): boolean {
  try {
    const state = JSON.parse(readFileSync(file, "utf8") || "{}") as {
      resources?: ReadonlyArray<{ mode?: string }>;
    };
    return (state.resources ?? []).some(({ mode }) => mode === "managed");
  } catch {
    // A state that can't be read may hold anything.
    return true;
  }
}
