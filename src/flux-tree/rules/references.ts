import { FLUX_NAMESPACE, VALUES_CONFIG_MAP, VARIABLES_CONFIG_MAP } from "../../flux";
import type { PlacedObject } from "../objects";
import type { Fields } from "../tree";
import { databaseLabels, databasesIn, selects, type Workload } from "../workloads";
import type { RuleContext } from "./context";
import { mayBeOfChart } from "./foreign-objects";
import { OutcomeBuilder, type Rule } from "./rule";

/** What an object names is there. Secrets are looked at by the rule of that name. */
export const referencesRule: Rule = {
  id: "references",
  title: "ConfigMaps, claims, ports, scale targets and backends that are named exist",
  check(context) {
    const outcome = new OutcomeBuilder("references");
    for (const workload of context.workloads) {
      checkMounts(outcome, workload);
      checkProbePorts(outcome, workload);
    }
    if (!context.complete) return outcome;
    for (const workload of context.workloads) checkPod(outcome, context, workload);
    for (const placed of context.objects) {
      const { kind, apiVersion } = placed.object;
      if (kind === "HorizontalPodAutoscaler") checkScaler(outcome, context, placed);
      if (kind === "Service" && apiVersion === "v1") checkService(outcome, context, placed);
      if (kind === "Ingress" || kind === "IngressRoute") checkBackends(outcome, context, placed);
    }
    return outcome;
  },
};

const namespaceOf = ({ object }: PlacedObject): string => object.metadata?.namespace ?? "default";

function find(
  { objects }: RuleContext,
  kind: string,
  namespace: string,
  name: string,
): PlacedObject | undefined {
  return objects.find(
    (placed) =>
      placed.object.kind === kind &&
      placed.object.metadata?.name === name &&
      namespaceOf(placed) === namespace,
  );
}

function checkMounts(outcome: OutcomeBuilder, workload: Workload): void {
  const volumes = new Set<unknown>([
    ...(workload.pod.volumes ?? []).map(({ name }: Fields) => name),
    ...(workload.object.spec?.volumeClaimTemplates ?? []).map(({ metadata }: Fields) => metadata?.name),
  ]);
  for (const { name, spec } of workload.containers) {
    for (const mount of [...(spec.volumeMounts ?? []), ...(spec.volumeDevices ?? [])]) {
      outcome.check(
        workload,
        volumes.has(mount.name),
        `container ${name} mounts the volume ${mount.name}, which its pod doesn't have`,
        "add it to volumes, or correct the name",
      );
    }
  }
}

const HANDLERS = ["livenessProbe", "readinessProbe", "startupProbe"];

function checkProbePorts(outcome: OutcomeBuilder, workload: Workload): void {
  for (const { name, spec } of workload.containers) {
    const names = new Set((spec.ports ?? []).map((port: Fields) => port.name));
    for (const probe of HANDLERS) {
      const port = spec[probe]?.httpGet?.port ?? spec[probe]?.tcpSocket?.port;
      if (typeof port !== "string" || /^\d+$/.test(port)) continue;
      outcome.check(
        workload,
        names.has(port),
        `the ${probe} of container ${name} asks the port ${port}, which the container doesn't have`,
        "name one of its ports",
      );
    }
  }
}

/** ConfigMaps that exist before the tree is applied, or that Kubernetes makes in every namespace. */
function isGiven(namespace: string, name: string): boolean {
  if (name === "kube-root-ca.crt") return true;
  return namespace === FLUX_NAMESPACE && (name === VARIABLES_CONFIG_MAP || name === VALUES_CONFIG_MAP);
}

interface ConfigMapReference {
  readonly name?: string;
  readonly keys: readonly string[];
  readonly field: string;
}

function checkPod(outcome: OutcomeBuilder, context: RuleContext, workload: Workload): void {
  const { namespace } = workload;
  const told = new Set<string>();
  for (const { name, keys, field } of configMapsOf(workload)) {
    if (typeof name !== "string" || name.includes("${") || isGiven(namespace, name)) continue;
    const made = find(context, "ConfigMap", namespace, name);
    if (!made && (mayBeOfChart(context, namespace, name) || told.has(name))) continue;
    told.add(name);
    outcome.check(
      workload,
      made !== undefined,
      `${field} names the ConfigMap ${namespace}/${name}, which nothing makes`,
      "add it, or correct the name",
    );
    if (!made) continue;
    const present = new Set(Object.keys({ ...made.object.data, ...made.object.binaryData }));
    for (const key of keys) {
      outcome.check(
        workload,
        present.has(key),
        `${field} names the key ${key} of the ConfigMap ${namespace}/${name}, which has none of that name`,
        "add it, or correct the name",
      );
    }
  }
  for (const volume of workload.pod.volumes ?? []) {
    const claim = volume.persistentVolumeClaim?.claimName;
    if (typeof claim !== "string" || mayBeOfChart(context, namespace, claim)) continue;
    outcome.check(
      workload,
      find(context, "PersistentVolumeClaim", namespace, claim) !== undefined || isOfTemplate(context, claim),
      `volume ${volume.name} names the PersistentVolumeClaim ${namespace}/${claim}, which nothing makes`,
      "add it, or correct the name",
    );
  }
}

/** The claims that a StatefulSet makes of its templates: `data-redis-0`. */
function isOfTemplate({ workloads }: RuleContext, claim: string): boolean {
  return workloads.some(({ name, object }) =>
    (object.spec?.volumeClaimTemplates ?? []).some(({ metadata }: Fields) =>
      claim.startsWith(`${metadata?.name}-${name}-`),
    ),
  );
}

/** The ConfigMaps that a pod can't start without. */
function configMapsOf({ pod, containers }: Workload): ConfigMapReference[] {
  const found: ConfigMapReference[] = [];
  const add = (reference: Fields, keys: readonly string[], field: string): void => {
    if (reference && reference.optional !== true) found.push({ name: reference.name, keys, field });
  };
  for (const { name, spec } of containers) {
    for (const { name: variable, valueFrom } of spec.env ?? []) {
      const reference = valueFrom?.configMapKeyRef;
      add(reference, [reference?.key ?? ""], `${variable} of container ${name}`);
    }
    for (const { configMapRef } of spec.envFrom ?? []) add(configMapRef, [], `envFrom of container ${name}`);
  }
  for (const { name, configMap, projected } of pod.volumes ?? []) {
    const keysOf = (source: Fields): string[] => (source?.items ?? []).map(({ key }: Fields) => key);
    // A file of a ConfigMap that isn't there becomes an empty folder.
    const mounted = configMap?.items
      ? []
      : containers.flatMap(({ spec }) =>
          (spec.volumeMounts ?? [])
            .filter((mount: Fields) => mount.name === name && typeof mount.subPath === "string")
            .map(({ subPath }: Fields) => subPath),
        );
    add(configMap, [...keysOf(configMap), ...mounted], `volume ${name}`);
    for (const source of projected?.sources ?? [])
      add(source.configMap, keysOf(source.configMap), `volume ${name}`);
  }
  return found;
}

function checkScaler(outcome: OutcomeBuilder, context: RuleContext, scaler: PlacedObject): void {
  const { kind, name } = scaler.object.spec?.scaleTargetRef ?? {};
  const namespace = namespaceOf(scaler);
  const target = find(context, kind, namespace, name);
  if (!target && mayBeOfChart(context, namespace, String(name))) return;
  outcome.check(
    scaler,
    target !== undefined,
    `scales the ${kind} ${namespace}/${name}, which nothing makes`,
    "correct scaleTargetRef",
  );
  if (!target) return;
  outcome.check(
    target,
    target.object.spec?.replicas === undefined,
    `has spec.replicas, which Flux sets back whenever the HorizontalPodAutoscaler ${scaler.object.metadata?.name} has changed it`,
    "leave replicas out",
  );
}

function checkService(outcome: OutcomeBuilder, context: RuleContext, service: PlacedObject): void {
  const { selector, ports = [], type } = service.object.spec ?? {};
  const labels = Object.entries<string>(selector ?? {});
  if (labels.length === 0 || type === "ExternalName") return;
  const namespace = namespaceOf(service);
  // Pods of operators and of third-party charts are not here.
  if (labels.some(([key, value]) => key.startsWith("cnpg.io/") || mayBeOfChart(context, namespace, value)))
    return;
  const asSelector = { matchLabels: selector };
  const databases = databasesIn(context.objects).filter(
    (database) => namespaceOf(database) === namespace && selects(asSelector, databaseLabels(database)),
  );
  if (databases.length > 0) return;
  const pods = context.workloads.filter(
    (workload) => workload.namespace === namespace && selects(asSelector, workload.podLabels),
  );
  const found = outcome.check(
    service,
    pods.length > 0,
    `selects ${labels.map(([key, value]) => `${key}: ${value}`).join(", ")}, which no pod in ${namespace} has`,
    "write the labels of the pods into selector",
  );
  if (!found) return;
  const known = new Set(
    pods.flatMap(({ containers }) =>
      containers.flatMap(({ spec }) =>
        (spec.ports ?? []).flatMap((port: Fields) => [
          ...(port.name === undefined ? [] : [port.name]),
          String(port.containerPort),
        ]),
      ),
    ),
  );
  for (const { port, targetPort = port } of ports) {
    outcome.check(
      service,
      known.has(String(targetPort)),
      `leads to the port ${targetPort}, which no container of its pods has`,
      "name a port of a container in targetPort",
    );
  }
}

/** Services of Flux itself, which flux bootstrap installs. */
const FLUX_SERVICES = ["notification-controller", "source-controller", "webhook-receiver"];

function checkBackends(outcome: OutcomeBuilder, context: RuleContext, placed: PlacedObject): void {
  const told = new Set<string>();
  for (const { namespace, name, port } of backendsOf(placed)) {
    const id = `${namespace}/${name}`;
    if (typeof name !== "string" || told.has(`${id}:${port}`)) continue;
    told.add(`${id}:${port}`);
    const isDatabase = databasesIn(context.objects).some(
      (database) =>
        namespaceOf(database) === namespace &&
        ["rw", "ro", "r"].some((end) => name === `${database.object.metadata?.name}-${end}`),
    );
    const service = find(context, "Service", namespace, name);
    if (!service) {
      const isOfFlux = namespace === FLUX_NAMESPACE && FLUX_SERVICES.includes(name);
      outcome.check(
        placed,
        isDatabase || isOfFlux || mayBeOfChart(context, namespace, name),
        `leads to the Service ${id}, which nothing makes`,
        "correct the name, or add it",
      );
      continue;
    }
    const ports: readonly Fields[] = service.object.spec?.ports ?? [];
    outcome.check(
      placed,
      port === undefined || ports.some((one) => one.name === port || String(one.port) === String(port)),
      `leads to the port ${port} of the Service ${id}, which has none of that ${typeof port === "number" ? "number" : "name"}`,
      "name one of its ports",
    );
  }
}

interface Backend {
  readonly namespace: string;
  readonly name?: unknown;
  readonly port?: string | number;
}

function backendsOf(placed: PlacedObject): Backend[] {
  const { kind, spec } = placed.object;
  const own = namespaceOf(placed);
  if (kind === "Ingress") {
    const paths: Fields[] = (spec?.rules ?? []).flatMap((rule: Fields) => rule.http?.paths ?? []);
    return [spec?.defaultBackend, ...paths.map(({ backend }) => backend)].flatMap((backend) => {
      const { name, port } = backend?.service ?? {};
      return name === undefined ? [] : [{ namespace: own, name, port: port?.name ?? port?.number }];
    });
  }
  const services: Fields[] = (spec?.routes ?? []).flatMap((route: Fields) => route.services ?? []);
  return services
    .filter((service) => (service.kind ?? "Service") === "Service")
    .map(({ namespace = own, name, port }) => ({ namespace, name, port }));
}
