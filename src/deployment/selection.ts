import { nearest } from "../config";
import { environmentOf, type SynthesizedStack } from "../terraform";

/** Which stacks a command works on: those of some environments, some by name, or of both kinds what is in both; empty means all. */
export interface Selection {
  readonly environments: readonly string[];
  readonly stacks: readonly string[];
}

/**
 * The stacks that a selection means.
 * @throws Error for a name that doesn't exist, with the nearest ones
 */
export function selectStacks(
  all: readonly SynthesizedStack[],
  { environments, stacks }: Selection,
): SynthesizedStack[] {
  const known = { environment: [...new Set(all.map(environmentOf))], stack: all.map(({ name }) => name) };
  const unknown = [
    ...environments
      .filter((name) => !known.environment.includes(name))
      .map((name) => ["environment", name] as const),
    ...stacks.filter((name) => !known.stack.includes(name)).map((name) => ["stack", name] as const),
  ];
  if (unknown.length > 0) {
    throw new Error(
      unknown
        .map(([kind, name]) => {
          const near = nearest(name, known[kind]);
          return `--${kind} ${name}: there is no such ${kind}, expected ${near.length > 0 ? `${near.join(" or ")} (nearest of ${known[kind].length})` : known[kind].join(", ")}`;
        })
        .join("\n"),
    );
  }
  const selected = all.filter(
    (stack) =>
      (environments.length === 0 || environments.includes(environmentOf(stack))) &&
      (stacks.length === 0 || stacks.includes(stack.name)),
  );
  if (selected.length === 0 && all.length > 0) {
    throw new Error(`--environment ${environments.join(",")} --stack ${stacks.join(",")}: no stack is both`);
  }
  return selected;
}
