import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const NAMESPACE = `${SHOP}/namespace.yaml`;
const POLICIES = `${SHOP}/network-policies.yaml`;

describeWithKubectl("network", () => {
  mistake(
    "no Pod Security label",
    (tree) =>
      tree.replace(NAMESPACE, "pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/warn"),
    [
      "network | Namespace shop in flux/apps/shop/staging: has no Pod Security label, so that it takes pods with every privilege; add the label pod-security.kubernetes.io/enforce: restricted",
    ],
  );
  mistake("a lower level", (tree) => tree.replace(NAMESPACE, "restricted", "privileged"), [
    "network | Namespace shop in flux/apps/shop/staging: takes pods of the Pod Security level privileged; set the label pod-security.kubernetes.io/enforce to restricted, or say in the annotation hybrid-gitops/reason.pod-security why not",
  ]);
  mistake(
    "no default deny",
    (tree) => tree.replace(POLICIES, "    - Ingress\n    - Egress\n---", "    - Ingress\n---"),
    [
      "network | Namespace shop in flux/apps/shop/staging: has no NetworkPolicy that denies what no other one allows; add flux/components/default-deny to the components of its kustomization, or say in the annotation hybrid-gitops/reason.network-policy why not",
      "network | Cluster shop/shop-db in flux/apps/shop/staging: no NetworkPolicy says what its pods may reach; add flux/components/default-deny to the namespace shop, and a policy for what is needed, or say in the annotation hybrid-gitops/reason.network-policy why not",
    ],
  );
  mistake(
    "ports that nothing may reach",
    (tree) => tree.replace(POLICIES, "          - web\n", "          - wep\n"),
    [
      "network | Deployment shop/web in flux/apps/shop/staging: its pods have ports, and no NetworkPolicy lets anyone reach them; add one in the namespace shop that selects app: web, or say in the annotation hybrid-gitops/reason.network-policy why not",
      "network | NetworkPolicy shop/shop in flux/apps/shop/staging: opens the port 8080 (TCP), which no container of the pods that it selects has; name a port of a container (not that of a Service), or say in the annotation hybrid-gitops/reason.network-policy why not",
    ],
  );
  mistake("a job that needs nobody", (tree) => tree.replace(POLICIES, "          - report\n", ""), []);
  mistake(
    "a database that no policy selects",
    (tree) =>
      tree.replace(
        POLICIES,
        "  podSelector:\n    matchLabels:\n      cnpg.io/cluster: shop-db\n  policyTypes",
        "  podSelector:\n    matchLabels:\n      cnpg.io/cluster: shop\n  policyTypes",
      ),
    [
      "network | Cluster shop/shop-db in flux/apps/shop/staging: its pods have ports, and no NetworkPolicy lets anyone reach them; add one in the namespace shop that selects cnpg.io/cluster: shop-db, cnpg.io/podRole: instance, or say in the annotation hybrid-gitops/reason.network-policy why not",
    ],
  );
  mistake(
    "DNS over UDP only",
    (tree) => tree.replace(POLICIES, "        - protocol: TCP\n          port: 53\n", ""),
    ["Deployment shop/web", "CronJob shop/report"].map(
      (name) =>
        `network | ${name} in flux/apps/shop/staging: its pods may reach others and not ask DNS for their names (port 53 over TCP); allow port 53 over UDP and TCP to the namespace kube-system in a NetworkPolicy that selects them, or say in the annotation hybrid-gitops/reason.network-policy why not`,
    ),
  );
  mistake(
    "DNS in the wrong namespace",
    (tree) => tree.replace(POLICIES, "metadata.name: kube-system", "metadata.name: kube-dns"),
    ["Deployment shop/web", "CronJob shop/report"].map(
      (name) =>
        `network | ${name} in flux/apps/shop/staging: its pods may reach others and not ask DNS for their names (port 53 over UDP and TCP); allow port 53 over UDP and TCP to the namespace kube-system in a NetworkPolicy that selects them, or say in the annotation hybrid-gitops/reason.network-policy why not`,
    ),
  );
  mistake("a port that no container has", (tree) => tree.replace(POLICIES, "port: 8080", "port: 80"), [
    "network | NetworkPolicy shop/shop in flux/apps/shop/staging: opens the port 80 (TCP), which no container of the pods that it selects has; name a port of a container (not that of a Service), or say in the annotation hybrid-gitops/reason.network-policy why not",
  ]);
  mistake(
    "a namespace that nothing makes",
    (tree) => tree.replace(`${SHOP}/volume.yaml`, "namespace: shop", "namespace: shopp"),
    [
      "network | PersistentVolumeClaim shopp/pictures in flux/apps/shop/staging: is in the namespace shopp, which nothing in the tree makes; add a Namespace, or correct the name",
    ],
  );
});
