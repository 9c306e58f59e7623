import { parse } from "yaml";
import type { Environment } from "../config";
import {
  infrastructureValues,
  infrastructureVariables,
  VALUES_CONFIG_MAP,
  VALUES_KEY,
  VARIABLES_CONFIG_MAP,
  type Value,
  valuesYaml,
  WATCH_LABEL,
} from "../flux";
import type { ConfigMap } from "./kubernetes-object";

/** A value that is another in the cluster than the configuration says. */
export interface ValueDifference {
  /** A variable's name, or the path of a value in the document: `storage.bulk.size`. */
  readonly name: string;
  /** Absent: the cluster has no such value. */
  readonly cluster?: string;
  /** Absent: nothing in the configuration gives such a value. */
  readonly configuration?: string;
}

/** How a ConfigMap in a cluster stands to the configuration. */
export interface ConfigMapStatus {
  readonly name: string;
  readonly state: "in step" | "out of step" | "missing";
  /** How many values the configuration gives. */
  readonly values: number;
  readonly differences: readonly ValueDifference[];
  /** Whether Flux is told of a change at once; without the label it notices at its next interval. */
  readonly watched: boolean;
  /** Why its values can't be compared. */
  readonly problem?: string;
}

/**
 * Compares the two ConfigMaps of an environment with what the configuration gives. Any difference counts, whether the
 * configuration was changed and not deployed or the cluster was edited by hand.
 * @param found the ConfigMaps in the cluster; undefined: it has none of that name
 */
export function compareConfigMaps(
  environment: Environment,
  found: { readonly values: ConfigMap | undefined; readonly variables: ConfigMap | undefined },
): ConfigMapStatus[] {
  return [compareValues(environment, found.values), compareVariables(environment, found.variables)];
}

function compareValues(environment: Environment, map: ConfigMap | undefined): ConfigMapStatus {
  const expected = leaves(infrastructureValues(environment) as Value);
  const about = { name: VALUES_CONFIG_MAP, values: expected.size };
  if (map === undefined) return missing(about);
  const text = map.data?.[VALUES_KEY];
  if (text === undefined) return { ...about, ...unreadable(map, `it has no key ${VALUES_KEY}`) };
  let actual: Map<string, string>;
  try {
    actual = leaves(parse(text));
  } catch (error) {
    const [reason] = (error as Error).message.split("\n");
    return { ...about, ...unreadable(map, `its ${VALUES_KEY} is not valid YAML: ${reason}`) };
  }
  const differences = [...differing(expected, actual), ...otherKeys(map)];
  if (differences.length > 0 || text === valuesYaml(environment)) return compared(about, map, differences);
  return {
    ...about,
    ...unreadable(map, `its ${VALUES_KEY} has the right values, but was rewritten by hand`),
  };
}

function compareVariables(environment: Environment, map: ConfigMap | undefined): ConfigMapStatus {
  const expected = new Map(Object.entries(infrastructureVariables(environment)));
  const about = { name: VARIABLES_CONFIG_MAP, values: expected.size };
  if (map === undefined) return missing(about);
  return compared(about, map, withoutParents(differing(expected, new Map(Object.entries(map.data ?? {})))));
}

/** Keys beside the document, which the next deploy takes away. */
function otherKeys({ data = {}, binaryData = {} }: ConfigMap): ValueDifference[] {
  return [...Object.keys(data).filter((key) => key !== VALUES_KEY), ...Object.keys(binaryData)].map(
    (key) => ({
      name: `(key ${key})`,
      cluster: data[key] ?? "(bytes)",
    }),
  );
}

/** Objects are there as JSON under names of their own: they say nothing new beside a value inside that differs. */
function withoutParents(differences: readonly ValueDifference[]): ValueDifference[] {
  return differences.filter(
    ({ name, configuration = "" }) =>
      !configuration.startsWith("{") || !differences.some((other) => other.name.startsWith(`${name}_`)),
  );
}

type About = Pick<ConfigMapStatus, "name" | "values">;

const missing = (about: About): ConfigMapStatus => ({
  ...about,
  state: "missing",
  differences: [],
  watched: false,
});

const unreadable = (map: ConfigMap, problem: string) =>
  ({ state: "out of step", differences: [], watched: isWatched(map), problem }) as const;

function compared(about: About, map: ConfigMap, differences: readonly ValueDifference[]): ConfigMapStatus {
  const watched = isWatched(map);
  const inStep = differences.length === 0 && watched;
  return { ...about, state: inStep ? "in step" : "out of step", differences, watched };
}

function isWatched({ metadata }: ConfigMap): boolean {
  return Object.entries(WATCH_LABEL).every(([name, value]) => metadata.labels?.[name] === value);
}

function differing(expected: Map<string, string>, actual: Map<string, string>): ValueDifference[] {
  return [...new Set([...expected.keys(), ...actual.keys()])]
    .filter((name) => expected.get(name) !== actual.get(name))
    .sort((a, b) => Number(isCause(b)) - Number(isCause(a)))
    .map((name) => ({
      name,
      ...optional("cluster", actual.get(name)),
      ...optional("configuration", expected.get(name)),
    }));
}

/** What is said of the nodes: the other values follow from it, so that it is told first. */
const isCause = (name: string): boolean => /^(?:infraConfig_)?cluster[._]/.test(name);

function optional(key: string, value: string | undefined): Record<string, string> {
  return value === undefined ? {} : { [key]: value };
}

/** Every value of a document by its path; an empty object counts as a value. Numbers and texts that look alike differ. */
function leaves(value: unknown, path = ""): Map<string, string> {
  if (typeof value !== "object" || value === null || Object.keys(value).length === 0)
    return new Map([
      [path || "(the document)", typeof value === "string" ? quoted(value) : JSON.stringify(value)],
    ]);
  return new Map(
    Object.entries(value).flatMap(([key, inner]) => [...leaves(inner, path === "" ? key : `${path}.${key}`)]),
  );
}

/** As it is, unless it could be taken for something else. */
function quoted(text: string): string {
  return /^(?:|true|false|null|-?\d+(?:\.\d+)?)$/.test(text) ? JSON.stringify(text) : text;
}
