import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP } from "./small-tree";

const VOLUME = `${SHOP}/volume.yaml`;
const set = (size: string, annotations = ""): string => `apiVersion: apps/v1
kind: StatefulSet
metadata:
  name: queue
  namespace: shop
  annotations:
    hybrid-gitops/reason.resources: There is one queue.
${annotations}spec:
  serviceName: queue
  selector:
    matchLabels:
      app: web
      part: queue
  template:
    metadata:
      labels:
        app: web
        part: queue
    spec:
      automountServiceAccountToken: false
      securityContext:
        runAsNonRoot: true
        seccompProfile:
          type: RuntimeDefault
      containers:
        - name: queue
          image: registry.example.com/queue:v1.0.0
          livenessProbe:
            exec:
              command: ["true"]
          readinessProbe:
            exec:
              command: ["true"]
          resources: \${infraConfig_resourceProfiles_small}
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            capabilities:
              drop:
                - ALL
  volumeClaimTemplates:
    - metadata:
        name: data
      spec:
        accessModes:
          - ReadWriteOnce
        resources:
          requests:
            storage: ${size}
`;

describeWithKubectl("volumes", () => {
  mistake(
    "a claim that would be pruned",
    (tree) =>
      tree.replace(VOLUME, "    kustomize.toolkit.fluxcd.io/prune: disabled\n", "    example: none\n"),
    [
      "volumes | PersistentVolumeClaim shop/pictures in flux/apps/shop/staging: would be deleted with its data when its entry is removed or renamed; add the annotation kustomize.toolkit.fluxcd.io/prune: disabled, or say in the annotation hybrid-gitops/reason.volumes why not",
    ],
  );
  mistake(
    "a namespace with volumes that would be pruned",
    (tree) =>
      tree.replace(
        `${SHOP}/namespace.yaml`,
        "    kustomize.toolkit.fluxcd.io/prune: disabled\n",
        "    example: none\n",
      ),
    [
      "volumes | Namespace shop in flux/apps/shop/staging: would be deleted with the volumes in it when its entry is removed or renamed; add the annotation kustomize.toolkit.fluxcd.io/prune: disabled, or say in the annotation hybrid-gitops/reason.volumes why not",
    ],
  );
  mistake(
    "several pods on a volume of one node",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "      containers:\n",
        "      volumes:\n        - name: pictures\n          persistentVolumeClaim:\n            claimName: pictures\n      containers:\n",
      ),
    [
      "volumes | Deployment shop/web in flux/apps/shop/staging: has 2 pods on the claim pictures, which one node at a time can mount (ReadWriteOnce); run one replica, or give each its own volume, or say in the annotation hybrid-gitops/reason.volumes why not",
    ],
  );
  mistake("templates of claims", (tree) => tree.append(VOLUME, set("1Gi")), [
    "volumes | StatefulSet shop/queue in flux/apps/shop/staging: has volumeClaimTemplates, which can't be changed: a new size would stop Flux, or delete the StatefulSet; write a PersistentVolumeClaim of its own and mount it, or say in the annotation hybrid-gitops/reason.volumes why not",
  ]);
  mistake(
    "templates of claims with a reason",
    (tree) =>
      tree.append(VOLUME, set("1Gi", "    hybrid-gitops/reason.volumes: Its size is that of a queue.\n")),
    [],
  );
  mistake(
    "templates of claims with a size that changes",
    (tree) =>
      tree.append(
        VOLUME,
        set("${infraConfig_storage_fast_size}", "    hybrid-gitops/reason.volumes: None.\n"),
      ),
    [
      "volumes | StatefulSet shop/queue in flux/apps/shop/staging: has volumeClaimTemplates, which can't be changed: a new size would stop Flux, or delete the StatefulSet; its size is even a variable; write a PersistentVolumeClaim of its own and mount it",
    ],
  );
});
