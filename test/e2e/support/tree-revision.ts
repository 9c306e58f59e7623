import { execFileSync } from "node:child_process";
import { readyMessage, until } from "./live-cluster";
import type { LiveWorld } from "./live-world";

/** The commit that was pushed last, as Flux writes it. */
export function pushedRevision({ git }: LiveWorld): string {
  const commit = execFileSync("git", ["rev-parse", "main"], { cwd: git.repository, encoding: "utf8" }).trim();
  return `main@sha1:${commit}`;
}

/**
 * Waits until Flux has tried the last commit: all Kustomizations have applied it, but for those that are expected to fail on it.
 * @param patience in seconds
 * @throws Error that lists what is otherwise
 */
export async function untilTried(
  world: LiveWorld,
  environment: string,
  { failing = [], patience }: { failing?: readonly string[]; patience: number },
): Promise<void> {
  const revision = pushedRevision(world);
  const { api } = world.cluster(environment);
  await until(patience, async () => {
    const kustomizations = await api.list("Kustomization");
    const otherwise = kustomizations.filter((object) => {
      const { lastAppliedRevision, lastAttemptedRevision, conditions = [] } = object.status ?? {};
      const ready = conditions.find(({ type }: { type: string }) => type === "Ready");
      if (ready?.observedGeneration !== object.metadata.generation) return true;
      return failing.includes(object.metadata.name)
        ? ready.status !== "False" || lastAttemptedRevision !== revision
        : ready.status !== "True" || lastAppliedRevision !== revision;
    });
    if (otherwise.length === 0) return undefined;
    return otherwise.map((object) => `${object.metadata.name}: ${readyMessage(object)}`).join("\n");
  });
}
