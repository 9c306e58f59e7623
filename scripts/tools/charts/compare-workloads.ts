import type { ChartContainer, ChartWorkload } from "../../../src/flux-tree/chart-workloads";
import { valueAt } from "../../../src/flux-tree/objects";
import type { Manifest } from "../../../src/flux-tree/tree";
import type { Workload } from "../../../src/flux-tree/workloads";

/** What a workload of a chart looks like, rendered or as the table has it. */
interface Found {
  readonly kind: string;
  readonly name: string;
  readonly replicas?: number;
  /** Absent where an operator makes the pods: only what its object says can be compared. */
  readonly containers?: ReadonlyArray<{
    readonly name: string;
    readonly init: boolean;
    readonly resources: unknown;
  }>;
  readonly resources?: unknown;
}

/** Objects of which an operator makes a StatefulSet, with the first part of its name. */
const BY_OPERATOR: Readonly<Record<string, string>> = {
  Prometheus: "prometheus",
  Alertmanager: "alertmanager",
};

/**
 * Compares what src/flux-tree/chart-workloads.ts says about a chart with what the chart really makes, both for the values of a
 * release: names, containers, replicas and resources.
 */
export function compareWorkloads(
  table: readonly ChartWorkload[] | undefined,
  {
    objects,
    workloads,
    values,
  }: {
    readonly objects: readonly Manifest[];
    readonly workloads: readonly Workload[];
    readonly values: unknown;
  },
): string[] {
  const found = [...workloads.map(ofWorkload), ...objects.flatMap(ofOperator)];
  if (!table) return [`is not there; the chart makes ${found.map(label).join(", ") || "no pods"}`];
  const missing = found.filter((one) => !table.some((entry) => label(entry) === label(one)));
  return [
    ...missing.map((one) => `lacks ${label(one)}${containerText(one)}`),
    ...table.flatMap((entry) => {
      const one = found.find((candidate) => label(candidate) === label(entry));
      return one ? differences(entry, one, values) : [`has ${label(entry)}, which the chart does not make`];
    }),
  ];
}

const label = ({ kind, name }: { kind: string; name: string }): string => `${kind} ${name}`;

const containerText = ({ containers }: Found): string =>
  containers ? ` with ${containers.map(({ name }) => name).join(", ")}` : "";

function ofWorkload({ object, name, replicas, containers }: Workload): Found {
  const counted = object.kind === "Deployment" || object.kind === "StatefulSet";
  return {
    kind: object.kind,
    name,
    ...(counted ? { replicas } : {}),
    containers: containers.map(({ name, init, spec }) => ({ name, init, resources: spec.resources })),
  };
}

function ofOperator({ apiVersion, kind, metadata, spec }: Manifest): Found[] {
  const prefix = BY_OPERATOR[kind];
  if (!prefix || !apiVersion.startsWith("monitoring.coreos.com/")) return [];
  const name = `${prefix}-${metadata?.name}`;
  return [{ kind: "StatefulSet", name, replicas: spec?.replicas ?? 1, resources: spec?.resources }];
}

function differences(entry: ChartWorkload, found: Found, values: unknown): string[] {
  const of = label(entry);
  const replicas = replicasOf(entry, values);
  return [
    ...(found.replicas !== undefined && replicas !== found.replicas
      ? [`gives ${of} ${replicas} replicas, and the chart ${found.replicas}`]
      : []),
    ...(found.containers
      ? containerDifferences(entry, found.containers, values)
      : resourceDifferences(`${of}`, entry.containers[0], found.resources, values)),
  ];
}

function replicasOf({ replicas }: ChartWorkload, values: unknown): number {
  const stated = replicas?.path === undefined ? undefined : valueAt(values, replicas.path);
  return typeof stated === "number" ? stated : (replicas?.default ?? 1);
}

function containerDifferences(
  entry: ChartWorkload,
  found: NonNullable<Found["containers"]>,
  values: unknown,
): string[] {
  const of = label(entry);
  const isSame = (one: ChartContainer, other: { name: string; init: boolean }): boolean =>
    one.name === other.name && (one.init ?? false) === other.init;
  const what = ({ name, init }: { name: string; init?: boolean }): string =>
    `${init ? "init container" : "container"} ${name}`;
  return [
    ...found
      .filter((container) => !entry.containers.some((known) => isSame(known, container)))
      .map((container) => `lacks ${what(container)} of ${of}`),
    ...entry.containers.flatMap((known) => {
      const container = found.find((candidate) => isSame(known, candidate));
      if (!container) return [`has ${what(known)} of ${of}, which the chart does not make`];
      return resourceDifferences(`${what(known)} of ${of}`, known, container.resources, values);
    }),
  ];
}

function resourceDifferences(
  of: string,
  known: ChartContainer | undefined,
  rendered: unknown,
  values: unknown,
): string[] {
  if (!known) return [];
  const stated = canonical(valueAt(values, known.resources));
  return stated === canonical(rendered)
    ? []
    : [
        `says that ${known.resources} has the resources of ${of}: there is ${stated}, the chart makes ${canonical(rendered)}`,
      ];
}

/** Quantities as text in the order of their names: charts sort them and put quotes around them. */
function canonical(value: unknown): string {
  if (typeof value !== "object" || value === null)
    return value === undefined || value === null ? "nothing" : String(value);
  const entries = Object.entries(value).sort(([one], [other]) => one.localeCompare(other));
  return entries.length === 0
    ? "nothing"
    : `{ ${entries.map(([key, inner]) => `${key}: ${canonical(inner)}`).join(", ")} }`;
}
