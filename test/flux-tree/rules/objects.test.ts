import { describeWithKubectl } from "../kubectl";
import { CLUSTER, mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;

describeWithKubectl("objects", () => {
  mistake(
    "a number where a text is wanted",
    (tree) =>
      tree.replace(
        WEB,
        "${quote}${infraConfig_cluster_nodeCount}${quote}",
        '"${infraConfig_cluster_nodeCount}"',
      ),
    [
      "objects | Deployment shop/web in flux/apps/shop/staging: spec.template.spec.containers.0.env NODES (flux/apps/shop/staging/web.yaml:40): a number or a boolean, where the API wants a string; put it in quotes; around a variable write ${quote}${…}${quote}, since kustomize drops plain quotes",
    ],
  );
  mistake(
    "a number in an overlay's patch: the line is the patch's, not the base's",
    (tree) => {
      tree.write(
        `${SHOP}/nodes.yaml`,
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  template:\n    spec:\n      containers:\n        - name: web\n          env:\n            - name: NODES\n              value: 5\n",
      );
      tree.write(
        `${SHOP}/kustomization.yaml`,
        `${tree.read(`${SHOP}/kustomization.yaml`)}patches:\n  - path: nodes.yaml\n`,
      );
    },
    [
      "objects | Deployment shop/web in flux/apps/shop/staging: spec.template.spec.containers.0.env NODES (flux/apps/shop/staging/nodes.yaml:13): a number or a boolean, where the API wants a string; put it in quotes; around a variable write ${quote}${…}${quote}, since kustomize drops plain quotes",
    ],
  );
  mistake(
    "a boolean in an annotation",
    (tree) =>
      tree.replace(`${SHOP}/ingress.yaml`, "letsencrypt-staging", '"${infraConfig_cluster_haControlPlane}"'),
    [
      "objects | Ingress shop/web in flux/apps/shop/staging: metadata.annotations.cert-manager.io/cluster-issuer (flux/apps/shop/staging/ingress.yaml:14): a number or a boolean, where the API wants a string; put it in quotes; around a variable write ${quote}${…}${quote}, since kustomize drops plain quotes",
    ],
  );
  mistake(
    "a reason without a reason",
    (tree) =>
      tree.replace(
        `${SHOP}/report.yaml`,
        "A report is as large as the shop's orders, whatever the nodes are.",
        '""',
      ),
    [
      "objects | CronJob shop/report in flux/apps/shop/staging: has the annotation hybrid-gitops/reason.resources without a reason; say why in one sentence, or obey the rule",
      "resources | CronJob shop/report in flux/apps/shop/staging: container report has resources that don't follow the dynamic configuration; take them from a profile, such as resources: ${infraConfig_resourceProfiles_small}, or say in the annotation hybrid-gitops/reason.resources why not",
    ],
  );
  mistake(
    "a reason for a rule that is none",
    (tree) =>
      tree.replace(
        `${SHOP}/ingress.yaml`,
        "  annotations:\n",
        "  annotations:\n    hybrid-gitops/reason.probe: No.\n",
      ),
    [
      "objects | Ingress shop/web in flux/apps/shop/staging: has the annotation hybrid-gitops/reason.probe, and no rule is called probe; write one of probes",
    ],
  );
  mistake(
    "an object twice",
    (tree) => {
      tree.write(
        "flux/apps/blog/staging/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - claim.yaml\n",
      );
      tree.write(
        "flux/apps/blog/staging/claim.yaml",
        tree
          .read(`${SHOP}/volume.yaml`)
          .replace(
            "  resources:\n    requests:\n      storage: ${infraConfig_storage_bulk_size}",
            "  resources:\n    requests:\n      storage: 1Gi",
          ),
      );
      tree.write("flux/clusters/staging/blog.yaml", tree.read(CLUSTER).replaceAll("shop", "blog"));
    },
    [
      "objects | PersistentVolumeClaim shop/pictures in flux/apps/shop/staging: is applied twice, also as PersistentVolumeClaim shop/pictures in flux/apps/blog/staging: the two would overwrite each other again and again; keep one",
    ],
  );
  mistake(
    "a variable that nothing substitutes",
    (tree) => {
      tree.replace(
        `${SHOP}/volume.yaml`,
        "    kustomize.toolkit.fluxcd.io/prune: disabled\n",
        "    kustomize.toolkit.fluxcd.io/prune: disabled\n    kustomize.toolkit.fluxcd.io/substitute: disabled\n",
      );
    },
    [
      "objects | PersistentVolumeClaim shop/pictures in flux/apps/shop/staging: still has ${infraConfig_storage_bulk_size} when it is applied; add postBuild.substituteFrom to its Flux Kustomization, and leave the annotation kustomize.toolkit.fluxcd.io/substitute out",
    ],
  );
});

describeWithKubectl("files", () => {
  mistake("a tab", (tree) => tree.write("flux/apps/shop/staging/notes.yaml", "a:\n  b: 1\n\tc: 2\n"), [
    "files | flux/apps/shop/staging/notes.yaml:3: is not YAML that Kubernetes takes: Tabs are not allowed as indentation; indent with spaces",
  ]);
  mistake("broken YAML", (tree) => tree.write("flux/apps/shop/staging/notes.yaml", "a: [1\n"), [
    "files | flux/apps/shop/staging/notes.yaml:2: is not YAML that Kubernetes takes: Flow sequence in block collection must be sufficiently indented and end with a ]; indent it as the lines beside it, or close the quote or bracket before it",
  ]);
  mistake("an anchor that is nowhere", (tree) => tree.write("flux/apps/shop/staging/notes.yaml", "a: *b\n"), [
    "files | flux/apps/shop/staging/notes.yaml:1: is not YAML that Kubernetes takes: Unknown anchor; a value that begins with * or & has to be in quotes; correct it there",
  ]);
  mistake(
    "a duplicate key, which kustomize takes",
    (tree) => tree.replace(`${SHOP}/volume.yaml`, "  name: pictures\n", "  name: pictures\n  name: photos\n"),
    [
      "files | flux/apps/shop/staging/volume.yaml:5: is not YAML that Kubernetes takes: Map keys must be unique; keep one of them",
      "files | flux/clusters/staging/shop.yaml: can't be built for staging: flux/apps/shop/staging/volume.yaml is not YAML that Kubernetes takes; correct what the message names; its objects are not checked until then",
    ],
  );
  mistake(
    "a folder that does not build; the others are checked all the same",
    (tree) => {
      tree.write("flux/clusters/staging/blog.yaml", tree.read(CLUSTER).replaceAll("shop", "blog"));
      tree.replace(`${SHOP}/report.yaml`, ":v2.0.1", ":v2");
    },
    [
      "files | flux/clusters/staging/blog.yaml: can't be built for staging: flux/apps/blog/staging/kustomization.yaml is missing; correct what the message names; its objects are not checked until then",
      "images | CronJob shop/report in flux/apps/shop/staging: container report has the image registry.example.com/report:v2, which is not an exact version; name a whole version such as :1.2.3, or add its digest @sha256:…",
    ],
  );
});

describeWithKubectl("dependencies", () => {
  mistake(
    "on what is not there",
    (tree) => tree.replace(CLUSTER, "spec:\n", "spec:\n  dependsOn:\n    - name: infrastructure\n"),
    [
      "dependencies | flux/clusters/staging/shop.yaml: depends on infrastructure, which is not there, so that it would wait forever; correct the name, or add it",
    ],
  );
  mistake(
    "on itself",
    (tree) => tree.replace(CLUSTER, "spec:\n", "spec:\n  dependsOn:\n    - name: shop\n"),
    [
      "dependencies | flux/clusters/staging/shop.yaml: waits for itself: shop → shop; take one of these out of dependsOn",
    ],
  );
  mistake(
    "a release on one that is not there",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "spec:\n  interval",
        "spec:\n  dependsOn:\n    - name: prometheus\n  interval",
      ),
    [
      "dependencies | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: depends on prometheus, which is not there, so that it would wait forever; correct the name, or add it",
    ],
  );
  mistake(
    "a chart from nowhere",
    (tree) =>
      tree.replace(
        `${SHOP}/release.yaml`,
        "        kind: HelmRepository\n        name: metrics-server\n",
        "        kind: HelmRepository\n        name: metrics\n",
      ),
    [
      "dependencies | HelmRelease flux-system/metrics-server in flux/apps/shop/staging: takes its chart from the HelmRepository flux-system/metrics, which is not in the tree; add it beside the release",
    ],
  );
});

describeWithKubectl("ingresses", () => {
  mistake(
    "a class without a controller",
    (tree) =>
      tree.replace(
        `${SHOP}/ingress.yaml`,
        "ingressClassName: ${infraConfig_networking_ingressClass}",
        "ingressClassName: nginx",
      ),
    [
      "ingresses | Ingress shop/web in flux/apps/shop/staging: is of the ingress class nginx, which no controller in the tree serves (there is traefik); write ${infraConfig_networking_ingressClass}, or add the controller to flux/infrastructure",
    ],
  );
  mistake(
    "a host of another environment",
    (tree) =>
      tree.replace(`${SHOP}/ingress.yaml`, "- host: chat.staging.example.com", "- host: chat.example.com"),
    [
      "ingresses | Ingress shop/web in flux/apps/shop/staging: has the host chat.example.com, which is not of staging.example.com; write a host below staging.example.com, or the placeholder of one",
    ],
  );
  mistake(
    "a host of nobody",
    (tree) =>
      tree.replace(`${SHOP}/ingress.yaml`, "- host: chat.staging.example.com", "- host: shop.acme.test"),
    [
      "ingresses | Ingress shop/web in flux/apps/shop/staging: has the host shop.acme.test, which is not of staging.example.com; write a host below staging.example.com, or the placeholder of one",
    ],
  );
});

describeWithKubectl("placeholders", () => {
  mistake(
    "one that nothing replaces",
    (tree) =>
      tree.replace(
        `${SHOP}/namespace.yaml`,
        "  annotations:\n",
        "  annotations:\n    contact: https://wiki.example.com/shop\n",
      ),
    [
      "placeholders | flux/apps/shop/staging/namespace.yaml:6: wiki.example.com looks like a placeholder, and nothing replaces it; write the real name, or one of the placeholders of docs/static-configuration.md",
    ],
  );
  mistake(
    "a name that looks like one",
    (tree) =>
      tree.replace(`${SHOP}/report.yaml`, "  name: report\n  namespace", "  name: my-report\n  namespace"),
    [
      "placeholders | flux/apps/shop/staging/report.yaml:4: my-report looks like a placeholder, and nothing replaces it; write the real name, or one of the placeholders of docs/static-configuration.md",
    ],
  );
});
