import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP, type SmallTree } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const INGRESS = `${SHOP}/ingress.yaml`;
const AT = "references | Deployment shop/web in flux/apps/shop/staging:";

/** A Service in front of the web pods. */
function withService(tree: SmallTree, { app = "web", targetPort = "8080" } = {}): void {
  tree.append(
    WEB,
    `apiVersion: v1\nkind: Service\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  selector:\n    app: ${app}\n  ports:\n    - name: http\n      port: 80\n      targetPort: ${targetPort}\n`,
  );
}

function withVolume(tree: SmallTree, source: string, volume = "files"): void {
  tree.replace(
    WEB,
    "          resources: $",
    "          volumeMounts:\n            - name: files\n              mountPath: /files\n          resources: $",
  );
  tree.replace(
    WEB,
    "      containers:\n",
    `      volumes:\n        - name: ${volume}\n${source}      containers:\n`,
  );
}

function withBackend(tree: SmallTree, name: string, port: string): void {
  withService(tree);
  tree.replace(
    INGRESS,
    "    - host: chat.staging.example.com\n",
    `    - host: chat.staging.example.com\n      http:\n        paths:\n          - path: /\n            pathType: Prefix\n            backend:\n              service:\n                name: ${name}\n                port:\n                  ${port}\n`,
  );
}

const withConfigMap = (tree: SmallTree, key: string): void => {
  tree.append(
    WEB,
    "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: web\n  namespace: shop\ndata:\n  COLOR: red\n",
  );
  tree.replace(
    WEB,
    "          env:\n",
    `          env:\n            - name: COLOR\n              valueFrom:\n                configMapKeyRef:\n                  name: web\n                  key: ${key}\n`,
  );
};

describeWithKubectl("references", () => {
  mistake("a ConfigMap that is there", (tree) => withConfigMap(tree, "COLOR"), []);
  mistake("a ConfigMap without the key", (tree) => withConfigMap(tree, "COLOUR"), [
    `${AT} COLOR of container web names the key COLOUR of the ConfigMap shop/web, which has none of that name; add it, or correct the name`,
  ]);
  mistake(
    "a ConfigMap that nothing makes",
    (tree) => withVolume(tree, "          configMap:\n            name: files\n"),
    [`${AT} volume files names the ConfigMap shop/files, which nothing makes; add it, or correct the name`],
  );
  mistake(
    "a claim that is there",
    (tree) => {
      withVolume(tree, "          persistentVolumeClaim:\n            claimName: pictures\n");
      tree.replace(`${SHOP}/volume.yaml`, "ReadWriteOnce", "ReadWriteMany");
    },
    [],
  );
  mistake(
    "a claim that nothing makes",
    (tree) => withVolume(tree, "          persistentVolumeClaim:\n            claimName: picture\n"),
    [
      `${AT} volume files names the PersistentVolumeClaim shop/picture, which nothing makes; add it, or correct the name`,
    ],
  );
  mistake(
    "a volume that the pod doesn't have",
    (tree) => withVolume(tree, "          emptyDir: {}\n", "file"),
    [
      `${AT} container web mounts the volume files, which its pod doesn't have; add it to volumes, or correct the name`,
    ],
  );
  mistake(
    "a probe of a port without that name",
    (tree) =>
      tree.replace(
        WEB,
        "readinessProbe:\n            httpGet:\n              path: /\n              port: 8080",
        "readinessProbe:\n            httpGet:\n              path: /\n              port: http",
      ),
    [
      `${AT} the readinessProbe of container web asks the port http, which the container doesn't have; name one of its ports`,
    ],
  );
  mistake("replicas beside an autoscaler", (tree) => tree.replace(WEB, "spec:\n", "spec:\n  replicas: 2\n"), [
    `${AT} has spec.replicas, which Flux sets back whenever the HorizontalPodAutoscaler web has changed it; leave replicas out`,
  ]);
  mistake(
    "an autoscaler of nothing",
    (tree) =>
      tree.append(
        WEB,
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata:\n  name: wep\n  namespace: shop\nspec:\n  scaleTargetRef:\n    apiVersion: apps/v1\n    kind: Deployment\n    name: wep\n  maxReplicas: 4\n",
      ),
    [
      "references | HorizontalPodAutoscaler shop/wep in flux/apps/shop/staging: scales the Deployment shop/wep, which nothing makes; correct scaleTargetRef",
    ],
  );
  mistake("a Service of no pods", (tree) => withService(tree, { app: "wep" }), [
    "references | Service shop/web in flux/apps/shop/staging: selects app: wep, which no pod in shop has; write the labels of the pods into selector",
  ]);
  mistake("a Service of pods of a chart", (tree) => withService(tree, { app: "metrics-server" }), []);
  mistake("a Service of a port that is not there", (tree) => withService(tree, { targetPort: "http" }), [
    "references | Service shop/web in flux/apps/shop/staging: leads to the port http, which no container of its pods has; name a port of a container in targetPort",
  ]);
  mistake("an Ingress of a Service", (tree) => withBackend(tree, "web", "name: http"), []);
  mistake(
    "an Ingress of a Service of a chart",
    (tree) => withBackend(tree, "metrics-server", "number: 443"),
    [],
  );
  mistake("an Ingress of a Service that nothing makes", (tree) => withBackend(tree, "wep", "number: 80"), [
    "references | Ingress shop/web in flux/apps/shop/staging: leads to the Service shop/wep, which nothing makes; correct the name, or add it",
  ]);
  mistake("an Ingress of a port that is not there", (tree) => withBackend(tree, "web", "number: 8080"), [
    "references | Ingress shop/web in flux/apps/shop/staging: leads to the port 8080 of the Service shop/web, which has none of that number; name one of its ports",
  ]);
});
