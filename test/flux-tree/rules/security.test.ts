import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;

describeWithKubectl("security", () => {
  mistake("root", (tree) => tree.replace(WEB, "runAsNonRoot: true", "runAsNonRoot: false"), [
    "security | Deployment shop/web in flux/apps/shop/staging: container web may run as root; set runAsNonRoot: true in the pod's securityContext, or say in the annotation hybrid-gitops/reason.non-root why not",
  ]);
  mistake(
    "the user 0",
    (tree) => tree.replace(WEB, "runAsNonRoot: true", "runAsNonRoot: true\n        runAsUser: 0"),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: container web may run as root; set runAsNonRoot: true in the pod's securityContext, or say in the annotation hybrid-gitops/reason.non-root why not",
    ],
  );
  mistake(
    "no seccomp profile",
    (tree) => tree.replace(WEB, "        seccompProfile:\n          type: RuntimeDefault\n", ""),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: container web may make every system call; set seccompProfile: { type: RuntimeDefault } in the pod's securityContext, or say in the annotation hybrid-gitops/reason.pod-security why not",
    ],
  );
  mistake("privileges", (tree) => tree.replace(WEB, "            allowPrivilegeEscalation: false\n", ""), [
    "security | Deployment shop/web in flux/apps/shop/staging: container web may gain privileges; set allowPrivilegeEscalation: false in its securityContext, or say in the annotation hybrid-gitops/reason.capabilities why not",
  ]);
  mistake(
    "kept capabilities",
    (tree) =>
      tree.replace(WEB, "            capabilities:\n              drop:\n                - ALL\n", ""),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: container web keeps capabilities; set capabilities: { drop: [ALL] } in its securityContext, or say in the annotation hybrid-gitops/reason.capabilities why not",
    ],
  );
  mistake(
    "more capabilities",
    (tree) =>
      tree.replace(
        WEB,
        "            capabilities:\n",
        "            capabilities:\n              add:\n                - NET_ADMIN\n",
      ),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: container web has the capabilities NET_ADMIN; set capabilities: { drop: [ALL] } in its securityContext, or say in the annotation hybrid-gitops/reason.capabilities why not",
    ],
  );
  mistake(
    "a file system that can be written",
    (tree) => tree.replace(WEB, "            readOnlyRootFilesystem: true\n", ""),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: container web can write to its root file system; set readOnlyRootFilesystem: true in its securityContext, with an emptyDir for what it writes, or say in the annotation hybrid-gitops/reason.read-only-root why not",
    ],
  );
  mistake(
    "a token that no role is bound to",
    (tree) => tree.replace(WEB, "      automountServiceAccountToken: false\n", ""),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: its pods get a token of the Kubernetes API, and no role is bound to the service account default; set automountServiceAccountToken: false in the pod's spec, or say in the annotation hybrid-gitops/reason.service-account why not",
    ],
  );
  mistake(
    "a token with a role",
    (tree) => {
      tree.replace(WEB, "automountServiceAccountToken: false", "serviceAccountName: web");
      tree.append(
        `${SHOP}/volume.yaml`,
        `apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: web
  namespace: shop
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: Role
  name: web
subjects:
  - kind: ServiceAccount
    name: web
    namespace: shop
`,
      );
    },
    [],
  );
  mistake(
    "the node's network",
    (tree) =>
      tree.replace(
        WEB,
        "      automountServiceAccountToken: false\n",
        "      automountServiceAccountToken: false\n      hostNetwork: true\n",
      ),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: its pods use the node's own (hostNetwork); leave hostNetwork out, or say in the annotation hybrid-gitops/reason.pod-security why not",
    ],
  );
  mistake(
    "the node's files",
    (tree) =>
      tree.replace(
        WEB,
        "      containers:\n",
        "      volumes:\n        - name: logs\n          hostPath:\n            path: /var/log\n      containers:\n",
      ),
    [
      "security | Deployment shop/web in flux/apps/shop/staging: its pods mount the node's files (logs); leave hostPath out, or say in the annotation hybrid-gitops/reason.pod-security why not",
    ],
  );
  mistake(
    "a departure with a reason",
    (tree) => {
      tree.replace(WEB, "            readOnlyRootFilesystem: true\n", "");
      tree.replace(
        WEB,
        "  name: web\n  namespace: shop\n",
        "  name: web\n  namespace: shop\n  annotations:\n    hybrid-gitops/reason.read-only-root: It unpacks its assets beside itself.\n",
      );
    },
    [],
  );
});
