import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const DATABASE = `${SHOP}/database.yaml`;
const constraints = `      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector:
            matchLabels:
              app: web
`;

describeWithKubectl("probes and availability", () => {
  mistake(
    "no readiness probe",
    (tree) =>
      tree.replace(
        WEB,
        "          readinessProbe:\n            httpGet:\n              path: /\n              port: 8080\n",
        "",
      ),
    [
      "probes | Deployment shop/web in flux/apps/shop/staging: container web has no readinessProbe; add one, or say in the annotation hybrid-gitops/reason.probes why not",
    ],
  );
  mistake(
    "no liveness probe",
    (tree) =>
      tree.replace(
        WEB,
        "          livenessProbe:\n            httpGet:\n              path: /\n              port: 8080\n",
        "",
      ),
    [
      "probes | Deployment shop/web in flux/apps/shop/staging: container web has no livenessProbe; add one, or say in the annotation hybrid-gitops/reason.probes why not",
    ],
  );
  mistake(
    "no disruption budget",
    (tree) =>
      tree.replace(
        WEB,
        "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: web\n",
        "  maxUnavailable: 1\n  selector:\n    matchLabels:\n      app: wep\n",
      ),
    [
      "availability | Deployment shop/web in flux/apps/shop/staging: has 2 to 4 replicas and no PodDisruptionBudget, so that draining nodes may end all at once; add one that selects its pods, with maxUnavailable: 1, or say in the annotation hybrid-gitops/reason.disruption-budget why not",
    ],
  );
  mistake(
    "a disruption budget that blocks",
    (tree) => tree.replace(WEB, "maxUnavailable: 1", "minAvailable: 2"),
    [
      "availability | PodDisruptionBudget shop/web in flux/apps/shop/staging: never lets a pod of Deployment web (replicas: 2) be evicted, so that its node can't be drained or upgraded; write maxUnavailable: 1 instead",
    ],
  );
  mistake(
    "two disruption budgets",
    (tree) => tree.append(WEB, tree.read(WEB).split("---\n")[2]?.replace("name: web", "name: web-too") ?? ""),
    [
      "availability | Deployment shop/web in flux/apps/shop/staging: 2 PodDisruptionBudgets select its pods, so that Kubernetes evicts none of them; keep one",
    ],
  );
  mistake("no spread", (tree) => tree.replace(WEB, constraints, ""), [
    "availability | Deployment shop/web in flux/apps/shop/staging: has 2 to 4 replicas, and nothing spreads them over the nodes; add topologySpreadConstraints with topologyKey: kubernetes.io/hostname, or say in the annotation hybrid-gitops/reason.topology-spread why not",
  ]);
  mistake(
    "a spread of others",
    (tree) =>
      tree.replace(
        WEB,
        "          labelSelector:\n            matchLabels:\n              app: web\n",
        "          labelSelector:\n            matchLabels:\n              app: wep\n",
      ),
    [
      "availability | Deployment shop/web in flux/apps/shop/staging: its topologySpreadConstraints don't select its own pods, so that they do nothing; write the labels of its pods into labelSelector",
    ],
  );
  mistake(
    "a budget of a single replica",
    (tree) => {
      tree.replace(WEB, "minReplicas: 2\n  maxReplicas: 4", "minReplicas: 1\n  maxReplicas: 1");
      tree.replace(WEB, "maxUnavailable: 1", "minAvailable: 1");
    },
    [
      "availability | PodDisruptionBudget shop/web in flux/apps/shop/staging: never lets a pod of Deployment web (replicas: 1) be evicted, so that its node can't be drained or upgraded; write maxUnavailable: 1 instead",
    ],
  );
  mistake(
    "a single database instance with a budget",
    (tree) => tree.replace(DATABASE, "  enablePDB: false\n", ""),
    [
      "availability | Cluster shop/shop-db in flux/apps/shop/staging: has one instance with a disruption budget, so that its node can't be drained or upgraded; set enablePDB: false",
    ],
  );
  mistake(
    "two database instances without a budget and without spread",
    (tree) => {
      tree.replace(DATABASE, "instances: 1", "instances: 2");
      tree.replace(
        DATABASE,
        "  enablePDB: false\n",
        "  enablePDB: false\n  affinity:\n    enablePodAntiAffinity: false\n",
      );
    },
    [
      "availability | Cluster shop/shop-db in flux/apps/shop/staging: has 2 instances and no disruption budget; leave enablePDB out, or say in the annotation hybrid-gitops/reason.disruption-budget why not",
      "availability | Cluster shop/shop-db in flux/apps/shop/staging: has 2 instances, and nothing spreads them over the nodes; set affinity.enablePodAntiAffinity: true with topologyKey: kubernetes.io/hostname, or say in the annotation hybrid-gitops/reason.topology-spread why not",
    ],
  );
  mistake(
    "a chart with two replicas",
    (tree) => tree.replace(`${SHOP}/release.yaml`, "  values:\n", "  values:\n    replicas: 2\n"),
    [
      "availability | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: metrics-server has 2 replicas and no disruption budget, so that draining nodes may end all at once; set values.… (say in src/flux-tree/chart-workloads.ts which), or say in the annotation hybrid-gitops/reason.disruption-budget why not",
      "availability | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: metrics-server has 2 replicas, and nothing spreads them over the nodes; set values.… (say in src/flux-tree/chart-workloads.ts which) with topologyKey: kubernetes.io/hostname, or say in the annotation hybrid-gitops/reason.topology-spread why not",
    ],
  );
});
