import type { PlacedObject } from "./objects";
import type { Fields, Manifest } from "./tree";

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly init: boolean;
  /** Runs as long as its pod does; other init containers end before the pod's containers start. */
  readonly longRunning: boolean;
  readonly spec: Fields;
  /** The same before variables were substituted. */
  readonly unsubstituted: Fields;
}

/** An object that makes pods. */
export interface Workload extends PlacedObject {
  readonly name: string;
  readonly namespace: string;
  /** Fewest pods: the autoscaler's minimum where there is one. On each node for a DaemonSet. */
  readonly replicas: number;
  /** Most pods, where an autoscaler decides. */
  readonly maxReplicas?: number;
  /** A pod that is meant to run forever, unlike that of a Job. */
  readonly longRunning: boolean;
  readonly pod: Fields;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly containers: readonly Container[];
}

const TEMPLATE: Readonly<Record<string, readonly string[]>> = {
  Deployment: ["spec", "template"],
  StatefulSet: ["spec", "template"],
  DaemonSet: ["spec", "template"],
  Job: ["spec", "template"],
  CronJob: ["spec", "jobTemplate", "spec", "template"],
};

/** The objects that make pods, without those of operators (see databases). */
export function workloadsIn(objects: readonly PlacedObject[]): Workload[] {
  const autoscalers = objects.filter(({ object }) => object.kind === "HorizontalPodAutoscaler");
  return objects.flatMap((placed) => {
    const { object, unsubstituted } = placed;
    const template = templateOf(object);
    if (!template) return [];
    const scaler = autoscalers.find(({ object: { spec, metadata } }) => {
      const target = spec?.scaleTargetRef;
      return (
        target?.kind === object.kind &&
        target.name === object.metadata?.name &&
        metadata?.namespace === object.metadata?.namespace
      );
    })?.object;
    const longRunning = object.kind !== "Job" && object.kind !== "CronJob";
    return [
      {
        ...placed,
        name: object.metadata?.name ?? "",
        namespace: object.metadata?.namespace ?? "default",
        replicas: scaler ? (scaler.spec.minReplicas ?? 1) : (object.spec.replicas ?? 1),
        maxReplicas: scaler?.spec.maxReplicas,
        longRunning,
        pod: template.spec ?? {},
        podLabels: template.metadata?.labels ?? {},
        containers: containersOf(
          template.spec ?? {},
          unsubstituted ? templateOf(unsubstituted)?.spec : undefined,
          longRunning,
        ),
      },
    ];
  });
}

function templateOf(object: Manifest): Fields {
  const path = TEMPLATE[object.kind];
  if (!path || typeof object.spec !== "object") return undefined;
  return path.reduce<Manifest>((value, key) => value?.[key], object);
}

function containersOf(pod: Fields, unsubstituted: Fields, longRunning: boolean): Container[] {
  const list = (key: string, init: boolean): Container[] =>
    (pod[key] ?? []).map((spec: Fields, index: number) => ({
      name: spec.name ?? `${key}[${index}]`,
      image: spec.image,
      init,
      longRunning: longRunning && (!init || spec.restartPolicy === "Always"),
      spec,
      unsubstituted: unsubstituted?.[key]?.[index],
    }));
  return [...list("initContainers", true), ...list("containers", false)];
}

/** Databases of the operator CloudNativePG, which makes their pods. */
export function databasesIn(objects: readonly PlacedObject[]): PlacedObject[] {
  return objects.filter(
    ({ object }) => object.kind === "Cluster" && object.apiVersion.startsWith("postgresql.cnpg.io/"),
  );
}

/** What the operator puts on a database's pods. */
export function databaseLabels({ object }: PlacedObject): Record<string, string> {
  return {
    "cnpg.io/cluster": object.metadata?.name ?? "",
    "cnpg.io/podRole": "instance",
    ...object.spec?.inheritedMetadata?.labels,
  };
}

/** Whether labels are among those that a selector of the Kubernetes API picks. An empty selector picks all. */
export function selects(selector: Fields, labels: Readonly<Record<string, string>>): boolean {
  if (!selector) return false;
  const { matchLabels = {}, matchExpressions = [] } = selector;
  return (
    Object.entries(matchLabels).every(([key, value]) => labels[key] === value) &&
    matchExpressions.every(
      ({ key, operator, values = [] }: { key: string; operator: string; values?: string[] }) => {
        const label = labels[key];
        if (operator === "Exists") return label !== undefined;
        if (operator === "DoesNotExist") return label === undefined;
        if (operator === "In") return label !== undefined && values.includes(label);
        return label === undefined || !values.includes(label);
      },
    )
  );
}
