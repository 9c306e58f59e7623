import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const REPORT = `${SHOP}/report.yaml`;
const resources = "          resources: ${infraConfig_resourceProfiles_small}\n";

describeWithKubectl("resources", () => {
  mistake("a container without any", (tree) => tree.replace(WEB, resources, ""), [
    "resources | Deployment shop/web in flux/apps/shop/staging: container web has no requests.cpu, requests.memory, limits.cpu, limits.memory; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}",
  ]);
  mistake(
    "stated ones without a reason",
    (tree) => tree.replace(REPORT, "hybrid-gitops/reason.resources", "example/reason"),
    [
      "resources | CronJob shop/report in flux/apps/shop/staging: container report has resources that don't follow the dynamic configuration; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}, or say in the annotation hybrid-gitops/reason.resources why not",
    ],
  );
  mistake(
    "no limit of memory",
    (tree) =>
      tree.replace(
        REPORT,
        "                  cpu: 200m\n                  memory: 128Mi\n",
        "                  cpu: 200m\n",
      ),
    [
      "resources | CronJob shop/report in flux/apps/shop/staging: container report has no limits.memory; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}",
    ],
  );
  mistake(
    "no limit of the CPU, with a reason",
    (tree) => tree.replace(REPORT, "                  cpu: 200m\n", ""),
    [],
  );
  mistake(
    "one quantity is stated, the others are variables",
    (tree) =>
      tree.replace(
        WEB,
        "resources: ${infraConfig_resourceProfiles_small}",
        "resources:\n            requests: ${infraConfig_resourceProfiles_small_requests}\n            limits:\n              cpu: 1000m\n              memory: ${infraConfig_resourceProfiles_small_limits_memory}",
      ),
    [
      "resources | Deployment shop/web in flux/apps/shop/staging: container web has resources that don't follow the dynamic configuration; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}, or say in the annotation hybrid-gitops/reason.resources why not",
    ],
  );
  mistake(
    "a database without any",
    (tree) =>
      tree.replace(`${SHOP}/database.yaml`, "  resources: ${infraConfig_resourceProfiles_small}\n", ""),
    [
      "resources | Cluster shop/shop-db in flux/apps/shop/staging: the database has no requests.cpu, requests.memory, limits.cpu, limits.memory; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}",
    ],
  );
  mistake(
    "a chart without any",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "    resources: ${infraConfig_resourceProfiles_small}\n",
        "    replicas: 1\n",
      ),
    [
      "resources | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: container metrics-server (values.resources) has no requests.cpu, requests.memory, limits.cpu, limits.memory; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}",
    ],
  );
  mistake(
    "a chart that nobody knows",
    (tree) => tree.replace(`${SHOP}/release.yaml`, "chart: metrics-server", "chart: wordpress"),
    [
      "resources | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: the chart wordpress is unknown here; say in src/flux-tree/chart-workloads.ts which containers it has and where their resources stand",
    ],
  );
});
