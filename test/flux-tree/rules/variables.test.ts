import { describeWithKubectl } from "../kubectl";
import { CLUSTER, mistake, SHOP, type SmallTree } from "./small-tree";

const WEB = `${SHOP}/web.yaml`;
const RELEASE = `${SHOP}/release.yaml`;
const resources = "resources: ${infraConfig_resourceProfiles_small}";

const COLOURS =
  "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: colours\n  namespace: flux-system\ndata:\n";

/** Lets the shop substitute from a second ConfigMap. */
function addSource(tree: SmallTree, more: string): void {
  tree.replace(
    CLUSTER,
    "        name: infrastructure-vars\n",
    `        name: infrastructure-vars\n      - kind: ConfigMap\n        name: colours\n${more}`,
  );
}

function withSource(data: string, folder = "flux/clusters/staging"): (tree: SmallTree) => void {
  return (tree) => {
    addSource(tree, "");
    tree.write(`${folder}/colours.yaml`, `${COLOURS}  ${data}\n`);
    if (folder === SHOP)
      tree.replace(`${SHOP}/kustomization.yaml`, "resources:\n", "resources:\n  - colours.yaml\n");
  };
}

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
      "variables | flux/clusters/staging/shop.yaml:16: substitutes from the ConfigMap flux-system/infrastructure-variables, which nothing makes: Flux applies nothing of shop until it is there; add it to flux/clusters/staging, name infrastructure-vars, or write optional: true where it may be missing",
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
      "variables | flux/clusters/staging/shop.yaml:18: substitutes from infrastructure-config, whose key values.yaml is no name of a variable: Flux refuses the whole ConfigMap; name infrastructure-vars",
    ],
  );
  mistake(
    "a name that is near to none",
    (tree) => tree.replace(WEB, "infraConfig_cluster_nodeCount", "infraConfig_nope"),
    [
      "variables | flux/apps/shop/staging/web.yaml:40: nothing produces ${infraConfig_nope}; take one of docs/variables.md, or give it a value of its own: ${infraConfig_nope:=value}",
    ],
  );
  mistake("a ConfigMap of the user's own among the cluster's files", withSource("shop_colour: green"), []);
  mistake("a ConfigMap of the user's own with a key that is no name", withSource("shop-colour: green"), [
    "variables | flux/clusters/staging/colours.yaml:7: the ConfigMap colours has the key shop-colour, which is no name of a variable: Flux refuses the whole ConfigMap, and applies nothing of shop, which substitutes from it; write shop_colour, or leave colours out of substituteFrom in flux/clusters/staging/shop.yaml",
  ]);
  mistake("a ConfigMap of the user's own that an application makes", withSource("shop-colour: green", SHOP), [
    "variables | flux/apps/shop/staging/colours.yaml:7: the ConfigMap colours has the key shop-colour, which is no name of a variable: Flux refuses the whole ConfigMap, and applies nothing of shop, which substitutes from it; write shop_colour, or leave colours out of substituteFrom in flux/clusters/staging/shop.yaml",
  ]);
  mistake("a ConfigMap that nothing makes", (tree) => addSource(tree, ""), [
    "variables | flux/clusters/staging/shop.yaml:18: substitutes from the ConfigMap flux-system/colours, which nothing makes: Flux applies nothing of shop until it is there; add it to flux/clusters/staging, name infrastructure-vars, or write optional: true where it may be missing",
  ]);
  mistake("a ConfigMap that may be missing", (tree) => addSource(tree, "        optional: true\n"), []);
  mistake(
    "a Secret, which may be made by hand",
    (tree) => {
      addSource(tree, "");
      tree.replace(CLUSTER, "kind: ConfigMap\n        name: colours", "kind: Secret\n        name: colours");
    },
    [],
  );
  mistake(
    "a ConfigMap that may be in a file that can't be read",
    (tree) => {
      addSource(tree, "");
      tree.write("flux/clusters/staging/colours.yaml", `${COLOURS}\tshop_colour: green\n`);
    },
    [
      "files | flux/clusters/staging/colours.yaml:7: is not YAML that Kubernetes takes: Tabs are not allowed as indentation; indent with spaces",
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
