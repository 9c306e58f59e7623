import { valueAt } from "./objects";

/** A container of a chart, with the path in the chart's values at which its resources stand. */
export interface ChartContainer {
  readonly name: string;
  readonly resources: string;
  /** Ends before the others start. */
  readonly init?: boolean;
}

/** Something in a third-party chart that makes pods. */
export interface ChartWorkload {
  readonly name: string;
  readonly kind: "Deployment" | "StatefulSet" | "DaemonSet" | "Job";
  /** Runs for a moment when the chart is installed or upgraded. */
  readonly hook?: boolean;
  /** Where the values say how many; without a path it can't be changed. */
  readonly replicas?: { readonly path?: string; readonly default: number };
  readonly containers: readonly ChartContainer[];
  /** Where the values switch its disruption budget on, and where they spread it; absent where the chart has no such value. */
  readonly disruptionBudget?: string;
  readonly topologySpread?: string;
  /** A switch in the values without which it doesn't run, and how that stands when they don't say. */
  readonly onlyIf?: { readonly path: string; readonly default: boolean };
  /** A switch in the values with which it doesn't run. */
  readonly unless?: string;
  /** Where the values ask for a volume of its own for each replica. */
  readonly volume?: string;
}

/**
 * What the third-party charts run as they are used here. The charts are not in this repository, so the rules look at the values of
 * their HelmReleases, and this says what these mean. A new chart, or a new part of one that is switched on, is a line here;
 * `npm run test:charts` compares it with the rendered charts.
 */
export const CHART_WORKLOADS: Readonly<Record<string, readonly ChartWorkload[]>> = {
  "cert-manager": [
    {
      name: "cert-manager",
      kind: "Deployment",
      disruptionBudget: "podDisruptionBudget.enabled",
      topologySpread: "topologySpreadConstraints",
      replicas: { path: "replicaCount", default: 1 },
      containers: [{ name: "cert-manager-controller", resources: "resources" }],
    },
    {
      name: "cert-manager-webhook",
      kind: "Deployment",
      disruptionBudget: "webhook.podDisruptionBudget.enabled",
      topologySpread: "webhook.topologySpreadConstraints",
      replicas: { path: "webhook.replicaCount", default: 1 },
      containers: [{ name: "cert-manager-webhook", resources: "webhook.resources" }],
    },
    {
      name: "cert-manager-cainjector",
      kind: "Deployment",
      replicas: { path: "cainjector.replicaCount", default: 1 },
      containers: [{ name: "cert-manager-cainjector", resources: "cainjector.resources" }],
    },
    {
      name: "cert-manager-startupapicheck",
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "cert-manager-startupapicheck", resources: "startupapicheck.resources" }],
    },
  ],
  "cloudnative-pg": [
    {
      name: "cloudnative-pg",
      kind: "Deployment",
      replicas: { path: "replicaCount", default: 1 },
      containers: [{ name: "manager", resources: "resources" }],
    },
  ],
  "external-dns": [
    {
      name: "external-dns",
      kind: "Deployment",
      replicas: { path: "replicaCount", default: 1 },
      containers: [{ name: "external-dns", resources: "resources" }],
    },
  ],
  "ingress-nginx": [
    {
      name: "ingress-nginx-controller",
      kind: "Deployment",
      disruptionBudget: "controller.maxUnavailable",
      topologySpread: "controller.topologySpreadConstraints",
      replicas: { path: "controller.replicaCount", default: 1 },
      containers: [{ name: "controller", resources: "controller.resources" }],
    },
    {
      name: "ingress-nginx-admission-create",
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "create", resources: "controller.admissionWebhooks.createSecretJob.resources" }],
    },
    {
      name: "ingress-nginx-admission-patch",
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "patch", resources: "controller.admissionWebhooks.patchWebhookJob.resources" }],
    },
  ],
  "kube-prometheus-stack": [
    {
      name: "kube-prometheus-stack-prometheus-node-exporter",
      kind: "DaemonSet",
      onlyIf: { path: "nodeExporter.enabled", default: true },
      containers: [{ name: "node-exporter", resources: "prometheus-node-exporter.resources" }],
    },
    {
      name: "prometheus-kube-prometheus-stack-prometheus",
      kind: "StatefulSet",
      replicas: { path: "prometheus.prometheusSpec.replicas", default: 1 },
      volume: "prometheus.prometheusSpec.storageSpec",
      containers: [
        { name: "prometheus", resources: "prometheus.prometheusSpec.resources" },
        { name: "config-reloader", resources: "prometheusOperator.prometheusConfigReloader.resources" },
        {
          name: "init-config-reloader",
          resources: "prometheusOperator.prometheusConfigReloader.resources",
          init: true,
        },
      ],
    },
    {
      name: "alertmanager-kube-prometheus-stack-alertmanager",
      onlyIf: { path: "alertmanager.enabled", default: true },
      kind: "StatefulSet",
      replicas: { path: "alertmanager.alertmanagerSpec.replicas", default: 1 },
      volume: "alertmanager.alertmanagerSpec.storage",
      containers: [
        { name: "alertmanager", resources: "alertmanager.alertmanagerSpec.resources" },
        { name: "config-reloader", resources: "prometheusOperator.prometheusConfigReloader.resources" },
        {
          name: "init-config-reloader",
          resources: "prometheusOperator.prometheusConfigReloader.resources",
          init: true,
        },
      ],
    },
    {
      name: "kube-prometheus-stack-operator",
      kind: "Deployment",
      replicas: { default: 1 },
      containers: [{ name: "kube-prometheus-stack", resources: "prometheusOperator.resources" }],
    },
    {
      name: "kube-prometheus-stack-kube-state-metrics",
      onlyIf: { path: "kubeStateMetrics.enabled", default: true },
      kind: "Deployment",
      replicas: { path: "kube-state-metrics.replicas", default: 1 },
      containers: [{ name: "kube-state-metrics", resources: "kube-state-metrics.resources" }],
    },
    {
      name: "kube-prometheus-stack-grafana",
      onlyIf: { path: "grafana.enabled", default: true },
      kind: "Deployment",
      replicas: { path: "grafana.replicas", default: 1 },
      containers: [
        { name: "grafana", resources: "grafana.resources" },
        { name: "grafana-sc-dashboard", resources: "grafana.sidecar.resources" },
        { name: "grafana-sc-datasources", resources: "grafana.sidecar.resources" },
      ],
    },
    {
      name: "kube-prometheus-stack-admission-create",
      unless: "prometheusOperator.admissionWebhooks.certManager.enabled",
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "create", resources: "prometheusOperator.admissionWebhooks.patch.resources" }],
    },
    {
      name: "kube-prometheus-stack-admission-patch",
      unless: "prometheusOperator.admissionWebhooks.certManager.enabled",
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "patch", resources: "prometheusOperator.admissionWebhooks.patch.resources" }],
    },
  ],
  "mattermost-team-edition": [
    {
      name: "mattermost",
      kind: "Deployment",
      replicas: { default: 1 },
      containers: [{ name: "mattermost-team-edition", resources: "resources" }],
    },
  ],
  "metrics-server": [
    {
      name: "metrics-server",
      kind: "Deployment",
      replicas: { path: "replicas", default: 1 },
      containers: [{ name: "metrics-server", resources: "resources" }],
    },
  ],
  nextcloud: [
    {
      name: "nextcloud",
      kind: "Deployment",
      replicas: { path: "replicaCount", default: 1 },
      containers: [
        { name: "nextcloud", resources: "resources" },
        { name: "nextcloud-nginx", resources: "nginx.resources" },
        { name: "nextcloud-cron", resources: "cronjob.sidecar.resources" },
        { name: "prepare", resources: "nextcloud.extraInitContainers.0.resources", init: true },
      ],
    },
  ],
  "prometheus-adapter": [
    {
      name: "prometheus-adapter",
      kind: "Deployment",
      replicas: { path: "replicas", default: 1 },
      containers: [{ name: "prometheus-adapter", resources: "resources" }],
    },
  ],
  traefik: [
    {
      name: "traefik",
      kind: "Deployment",
      disruptionBudget: "podDisruptionBudget.enabled",
      topologySpread: "topologySpreadConstraints",
      replicas: { path: "deployment.replicas", default: 1 },
      containers: [{ name: "traefik", resources: "resources" }],
    },
  ],
  velero: [
    {
      name: "velero",
      kind: "Deployment",
      replicas: { default: 1 },
      containers: [
        { name: "velero", resources: "resources" },
        { name: "velero-plugin-for-aws", resources: "initContainers.0.resources", init: true },
      ],
    },
    {
      name: "velero-upgrade-crds",
      onlyIf: { path: "upgradeCRDs", default: true },
      kind: "Job",
      hook: true,
      replicas: { default: 1 },
      containers: [{ name: "velero", resources: "upgradeJobResources" }],
    },
  ],
};

/** What a chart runs with values; undefined for a chart that isn't listed. */
export function workloadsOfChart(chart: string | undefined, values: unknown): ChartWorkload[] | undefined {
  return CHART_WORKLOADS[chart ?? ""]?.filter(({ onlyIf, unless }) => {
    const wanted = onlyIf === undefined || (valueAt(values, onlyIf.path) ?? onlyIf.default) === true;
    return wanted && !(unless !== undefined && valueAt(values, unless) === true);
  });
}
