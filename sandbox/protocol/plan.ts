import type { Path } from "./diagnostics";
import { type Block, canonical, canonicalEntry } from "./schema";
import { blocks, hasUnknown, isValues, Unknown, type Value, type Values } from "./values";

/** Default values by path (`spec.ports.protocol`); a path goes through every element of the blocks on its way. */
export type Defaults = Readonly<Record<string, Value>>;

/** Sets the values that the real provider's schema has as defaults where the configuration has none. */
export function applyDefaults(target: Values, defaults: Defaults): void {
  for (const [path, value] of Object.entries(defaults)) applyDefault(target, path.split("."), value);
}

function applyDefault(target: Values, [name, ...rest]: string[], value: Value): void {
  if (name === undefined) return;
  if (rest.length === 0) {
    if (target[name] === null) target[name] = value;
    return;
  }
  const nested = target[name];
  for (const element of isValues(nested) ? [nested] : blocks(nested)) applyDefault(element, rest, value);
}

/** An element with the computed values of an earlier one where it has none itself. */
function withComputedOf(block: Block, element: Values, earlier: Values): Values {
  const result = { ...element };
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (attribute.computed && result[name] === null) result[name] = earlier[name] ?? null;
  }
  return result;
}

/**
 * Keeps computed values inside sets of blocks. Terraform does so itself where it finds the earlier element, which it
 * doesn't when the element has a default value that the configuration leaves out.
 */
export function keepComputedInSets(block: Block, planned: Values, prior: Values | null): void {
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const priors = blocks(prior?.[name]);
    const elements = blocks(planned[name]);
    if (nested.nesting_mode !== "set") {
      elements.forEach((element, index) => {
        keepComputedInSets(nested.block, element, priors[index] ?? null);
      });
      continue;
    }
    if (elements.length === 0) continue;
    planned[name] = elements.map((element) => {
      const candidates = priors.map((earlier) => withComputedOf(nested.block, element, earlier));
      const same = candidates.findIndex(
        (candidate, index) =>
          canonical(nested.block, candidate) === canonical(nested.block, priors[index] ?? null),
      );
      return candidates[same] ?? element;
    });
  }
}

/**
 * Marks as unknown what the provider will compute: an attribute that is computed, that the configuration leaves out
 * and that has no earlier object to keep its value from.
 */
export function markComputed(block: Block, planned: Values, prior: Values | null): void {
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (attribute.computed && planned[name] === null && prior === null) planned[name] = new Unknown();
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const value = planned[name];
    const earlier = prior?.[name];
    if (isValues(value)) {
      markComputed(nested.block, value, isValues(earlier) ? earlier : null);
      continue;
    }
    const priors = blocks(earlier);
    blocks(value).forEach((element, index) => {
      // The elements of a set have no place: the earlier one is the equal one, if there is any.
      const match =
        nested.nesting_mode === "set"
          ? priors.find(
              (candidate) => canonical(nested.block, candidate) === canonical(nested.block, element),
            )
          : priors[index];
      markComputed(nested.block, element, match ?? null);
    });
  }
}

/** Takes out what terraform gives to the provider once and keeps in no plan and no state. */
export function dropWriteOnly(block: Block, planned: Values): void {
  for (const [name, attribute] of Object.entries(block.attributes ?? {})) {
    if (attribute.write_only) planned[name] = null;
  }
}

/** The paths whose change replaces the resource, out of those that `forceNew` names. */
export function replacedPaths(
  block: Block,
  forceNew: readonly string[],
  prior: Values,
  planned: Values,
): Path[] {
  return forceNew.flatMap((path) => changedAt(block, path.split("."), prior, planned, []));
}

function changedAt(
  block: Block,
  [name, ...rest]: string[],
  prior: Values | null,
  planned: Values | null,
  at: Path,
): Path[] {
  if (name === undefined) return [];
  const before = prior?.[name] ?? null;
  const after = planned?.[name] ?? null;
  const nested = block.block_types?.[name];
  if (rest.length === 0 || !nested) {
    return canonicalEntry(block, name, before) === canonicalEntry(block, name, after) ? [] : [[...at, name]];
  }
  if (nested.nesting_mode === "single") {
    return changedAt(nested.block, rest, isValues(before) ? before : null, isValues(after) ? after : null, [
      ...at,
      name,
    ]);
  }
  const [olds, news] = [blocks(before), blocks(after)];
  return Array.from({ length: Math.max(olds.length, news.length) }, (_, index) =>
    changedAt(nested.block, rest, olds[index] ?? null, news[index] ?? null, [...at, name, index]),
  ).flat();
}

/**
 * The paths at which a result isn't what was planned: a known value that changed, or a value that is still unknown.
 * Attributes named in `volatile` may change by themselves (a time of change, a version), as in the real provider.
 */
export function deviations(
  block: Block,
  planned: Values,
  result: Values,
  volatile: ReadonlySet<string>,
  at = "",
): string[] {
  const found: string[] = [];
  const path = (name: string) => (at === "" ? name : `${at}.${name}`);
  for (const name of Object.keys(block.attributes ?? {})) {
    const before = planned[name] ?? null;
    const after = result[name] ?? null;
    if (after instanceof Unknown) found.push(`${path(name)} is unknown after apply`);
    else if (before instanceof Unknown || volatile.has(name)) continue;
    else if (
      !hasUnknown(before) &&
      canonicalEntry(block, name, before) !== canonicalEntry(block, name, after)
    ) {
      found.push(`${path(name)} differs from the plan`);
    }
  }
  for (const [name, nested] of Object.entries(block.block_types ?? {})) {
    const before = planned[name];
    const after = result[name];
    if (isValues(before) && isValues(after)) {
      found.push(...deviations(nested.block, before, after, volatile, path(name)));
      continue;
    }
    const [olds, news] = [blocks(before), blocks(after)];
    if (olds.length !== news.length)
      found.push(`${path(name)} has ${news.length} blocks, ${olds.length} planned`);
    else if (nested.nesting_mode !== "set") {
      olds.forEach((old, index) => {
        found.push(...deviations(nested.block, old, news[index] ?? {}, volatile, `${path(name)}[${index}]`));
      });
    }
  }
  return found;
}
