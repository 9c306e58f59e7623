import { describeWithKubectl } from "../kubectl";
import { CLUSTER, mistake, SHOP } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const RELEASE = `${SHOP}/release.yaml`;
const resources = "resources: ${infraConfig_resourceProfiles_small}";

describeWithKubectl("variables", () => {
  mistake(
    "the dotted form of the original document",
    (tree) => tree.replace(WEB, resources, 'resources: "${infraConfig.resourceProfiles.small}"'),
    [
      "variables | flux/apps/shop/staging/web.yaml:41: ${infraConfig.resourceProfiles.small} can't work: Flux takes names of letters, digits and underscores only, and Helm never expands a variable in values; write ${infraConfig_resourceProfiles_small} (npm run validate -- --fix does it)",
    ],
  );
  mistake(
    "a dash",
    (tree) => tree.replace(WEB, "infraConfig_cluster_nodeCount", "infraConfig_cluster-nodeCount"),
    [
      "variables | flux/apps/shop/staging/web.yaml:40: ${infraConfig_cluster-nodeCount} can't work: Flux takes names of letters, digits and underscores only, and Helm never expands a variable in values; write ${infraConfig_cluster_nodeCount}",
    ],
  );
  mistake(
    "a name that nothing produces",
    (tree) => tree.replace(WEB, "infraConfig_cluster_nodeCount", "infraConfig_cluster_nodeCounts"),
    [
      "variables | flux/apps/shop/staging/web.yaml:40: nothing produces ${infraConfig_cluster_nodeCounts}; write ${infraConfig_cluster_nodeCount}",
    ],
  );
  mistake(
    "a variable of an application that the configuration doesn't name",
    (tree) => tree.replace(WEB, "infraConfig_cluster_nodeCount", "infraConfig_applications_notes_replicas"),
    [
      'variables | flux/apps/shop/staging/web.yaml:40: nothing produces ${infraConfig_applications_notes_replicas}; add "notes": {} under applications in infrastructure.config.json',
    ],
  );
  mistake(
    "a variable of an application with a slip in its name",
    (tree) =>
      tree.replace(WEB, "infraConfig_cluster_nodeCount", "infraConfig_applications_nextclod_replicas"),
    [
      'variables | flux/apps/shop/staging/web.yaml:40: nothing produces ${infraConfig_applications_nextclod_replicas}; write nextcloud if you mean it, or add "nextclod": {} under applications in infrastructure.config.json',
    ],
  );
  mistake(
    "a variable of a shell",
    (tree) => tree.replace(WEB, "value: ${quote}${infraConfig_cluster_nodeCount}${quote}", "value: ${HOME}"),
    [
      "variables | flux/apps/shop/staging/web.yaml:40: nothing produces ${HOME}; write $${HOME} if it is meant for a shell; the variables are listed in docs/variables.md",
    ],
  );
  mistake(
    "an escaped variable of a shell",
    (tree) => tree.replace(WEB, "value: ${quote}${infraConfig_cluster_nodeCount}${quote}", "value: $${HOME}"),
    [],
  );
  mistake(
    "a default",
    (tree) => tree.replace(WEB, "${quote}${infraConfig_cluster_nodeCount}${quote}", "${REGION:=nyc3}"),
    [],
  );
  mistake(
    "nothing to substitute from",
    (tree) => tree.replace(CLUSTER, "name: infrastructure-vars", "name: infrastructure-variables"),
    [
      "variables | flux/clusters/staging/shop.yaml: applies manifests with variables and has no substituteFrom of the ConfigMap infrastructure-vars; add spec.postBuild.substituteFrom: [{ kind: ConfigMap, name: infrastructure-vars }]",
    ],
  );
  mistake(
    "the values document as source",
    (tree) =>
      tree.replace(
        CLUSTER,
        "        name: infrastructure-vars\n",
        "        name: infrastructure-vars\n      - kind: ConfigMap\n        name: infrastructure-config\n",
      ),
    [
      "variables | flux/clusters/staging/shop.yaml: substitutes from infrastructure-config, whose key values.yaml is no name of a variable: Flux refuses the whole ConfigMap; name infrastructure-vars",
    ],
  );
  mistake(
    "a Kustomization elsewhere",
    (tree) => tree.replace(CLUSTER, "namespace: flux-system", "namespace: shop"),
    [
      "variables | flux/clusters/staging/shop.yaml: substitutes variables outside flux-system, where the ConfigMap infrastructure-vars is; set metadata.namespace to flux-system",
    ],
  );
  mistake(
    "a name of its own that Flux doesn't take",
    (tree) =>
      tree.replace(CLUSTER, "  postBuild:\n", "  postBuild:\n    substitute:\n      shop.name: shop\n"),
    [
      "variables | flux/clusters/staging/shop.yaml: postBuild.substitute has the name shop.name, which Flux doesn't take; write shop_name",
    ],
  );
  mistake(
    "valuesFrom with targetPath",
    (tree) =>
      tree.replace(
        RELEASE,
        "  values:\n",
        "  valuesFrom:\n    - kind: ConfigMap\n      name: infrastructure-config\n      valuesKey: values.yaml\n      targetPath: infraConfig\n  values:\n",
      ),
    [
      "variables | HelmRelease metrics-server in flux/apps/shop/staging/release.yaml: valuesFrom takes infrastructure-config with targetPath, for which Helm wants one flat value and no document; leave this entry out, the variables in the values get theirs from Flux (npm run validate -- --fix does it)",
    ],
  );
  mistake(
    "valuesFrom in another namespace",
    (tree) => {
      tree.replace(
        RELEASE,
        "  name: metrics-server\n  namespace: flux-system\nspec:\n  interval: 1h\n",
        "  name: metrics-server\n  namespace: shop\nspec:\n  interval: 1h\n",
      );
      tree.replace(
        RELEASE,
        "  values:\n",
        "  valuesFrom:\n    - kind: ConfigMap\n      name: infrastructure-config\n      valuesKey: values.yaml\n  values:\n",
      );
      tree.replace(
        RELEASE,
        "        name: metrics-server\n",
        "        name: metrics-server\n        namespace: flux-system\n",
      );
    },
    [
      "variables | HelmRelease metrics-server in flux/apps/shop/staging/release.yaml: valuesFrom names infrastructure-config, which is in flux-system: Helm looks only into the release's own namespace; set metadata.namespace to flux-system, and spec.targetNamespace to where its objects go",
    ],
  );
  mistake(
    "a shell's variable in a script that kustomize makes a ConfigMap of",
    (tree) => {
      tree.write(`${SHOP}/run.sh`, "echo ${HOME} $${PATH} ${infraConfig_cluster_name}\n");
      tree.replace(
        `${SHOP}/kustomization.yaml`,
        "resources:\n",
        "configMapGenerator:\n  - name: script\n    namespace: shop\n    files:\n      - run.sh\n    options:\n      disableNameSuffixHash: true\nresources:\n",
      );
    },
    [
      "variables | ConfigMap shop/script in flux/apps/shop/staging: nothing produces ${HOME}; write $${…} if it is meant for a shell, or give the object the annotation kustomize.toolkit.fluxcd.io/substitute: disabled",
    ],
  );
  mistake(
    "an object that is left out of the substitution",
    (tree) =>
      tree.append(
        `${SHOP}/volume.yaml`,
        `apiVersion: v1
kind: ConfigMap
metadata:
  name: script
  namespace: shop
  annotations:
    kustomize.toolkit.fluxcd.io/substitute: disabled
data:
  run.sh: echo "\${HOME} \${a.b}"
`,
      ),
    [],
  );
});
