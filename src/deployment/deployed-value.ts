import type { StateDocument } from "../terraform";

/** All attributes of the one resource of a type in a state, however far it is made; undefined where there is none. */
export function deployedAttributes(
  { resources = [] }: StateDocument,
  type: string,
): Readonly<Record<string, unknown>> | undefined {
  return resources.find((one) => one.mode === "managed" && one.type === type)?.instances[0]?.attributes;
}

/**
 * An attribute of the one resource of a type in a state; undefined where there is none, or no text. What an interrupted run left half
 * made (tainted), or what waits to be deleted, doesn't count.
 */
export function deployedValue(
  { resources = [] }: StateDocument,
  type: string,
  attribute: string,
): string | undefined {
  const resource = resources.find((one) => one.mode === "managed" && one.type === type);
  const instance = resource?.instances.find(({ status, deposed }) => status !== "tainted" && !deposed);
  const found = instance?.attributes?.[attribute];
  return typeof found === "string" && found !== "" ? found : undefined;
}
