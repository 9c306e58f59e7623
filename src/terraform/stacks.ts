import { readFileSync } from "node:fs";
import { join } from "node:path";

/** A synthesized stack: a directory in which terraform runs. */
export interface SynthesizedStack {
  readonly name: string;
  /** Absolute path. */
  readonly directory: string;
  /** Names of the stacks whose outputs it reads. */
  readonly dependencies: readonly string[];
}

interface Manifest {
  readonly stacks: Record<
    string,
    { readonly workingDirectory: string; readonly dependencies: readonly string[] }
  >;
}

/** The stacks in cdktf's output directory, as its manifest lists them. */
export function readStacks(outdir: string): SynthesizedStack[] {
  const manifest = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8")) as Manifest;
  return Object.entries(manifest.stacks).map(([name, { workingDirectory, dependencies }]) => ({
    name,
    directory: join(outdir, workingDirectory),
    dependencies,
  }));
}

/** The environment that a stack belongs to: `staging` of `staging-flux-configuration`. */
export function environmentOf(stack: Pick<SynthesizedStack, "name">): string {
  return stack.name.replace(/-(?:cluster|flux-configuration|github-secrets)$/, "");
}

/** The stacks of some names and everything that they build on (with `destroy`: everything that builds on them). */
export function withDependencies(
  stacks: readonly SynthesizedStack[],
  names: readonly string[],
  direction: "upstream" | "downstream" = "upstream",
): SynthesizedStack[] {
  const wanted = new Set(names);
  for (let size = -1; size !== wanted.size; ) {
    size = wanted.size;
    for (const { name, dependencies } of stacks) {
      if (direction === "upstream" && wanted.has(name))
        for (const dependency of dependencies) wanted.add(dependency);
      if (direction === "downstream" && dependencies.some((dependency) => wanted.has(dependency)))
        wanted.add(name);
    }
  }
  return stacks.filter(({ name }) => wanted.has(name));
}
