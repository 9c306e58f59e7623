import { describeWithKubectl } from "../kubectl";
import { CLUSTER, mistake, SHOP, type SmallTree } from "./small-tree";

/** A Kustomization of its own that installs the operator of the shop's database. */
function withOperator(tree: SmallTree): void {
  const folder = "flux/apps/operator/staging";
  tree.write("flux/clusters/staging/operator.yaml", tree.read(CLUSTER).replaceAll("shop", "operator"));
  tree.write(
    `${folder}/kustomization.yaml`,
    "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - release.yaml\n",
  );
  tree.write(
    `${folder}/release.yaml`,
    tree
      .read(`${SHOP}/release.yaml`)
      .replaceAll("metrics-server", "cloudnative-pg")
      .replace("3.13.1", "0.29.0"),
  );
}

const waitFor = (tree: SmallTree, file: string, name: string): void =>
  tree.replace(file, "spec:\n", `spec:\n  dependsOn:\n    - name: ${name}\n`);

describeWithKubectl("dependencies on charts with kinds of their own", () => {
  mistake("nobody waits for the operator", withOperator, [
    "dependencies | flux/clusters/staging/shop.yaml: applies the Cluster shop/shop-db, whose kind the chart cloudnative-pg of operator brings, and doesn't wait for that; add operator to dependsOn",
  ]);
  mistake(
    "the shop waits for it",
    (tree) => {
      withOperator(tree);
      waitFor(tree, CLUSTER, "operator");
    },
    [],
  );
  mistake(
    "the shop waits for what waits for it",
    (tree) => {
      withOperator(tree);
      const between = "flux/clusters/staging/between.yaml";
      tree.write(between, tree.read(CLUSTER).replaceAll("shop", "between"));
      tree.write(
        "flux/apps/between/staging/kustomization.yaml",
        "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n  - settings.yaml\n",
      );
      tree.write(
        "flux/apps/between/staging/settings.yaml",
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\n  namespace: shop\ndata:\n  color: red\n",
      );
      waitFor(tree, between, "operator");
      waitFor(tree, CLUSTER, "between");
    },
    [],
  );
});
