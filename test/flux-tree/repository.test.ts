import { readdirSync } from "node:fs";
import path from "node:path";
import { EXAMPLE_FILE, loadProject } from "../../src/config";
import { TreeValidator } from "../../src/flux-tree";
import { applicationSecrets } from "../../src/secrets/applications";
import { describeWithKubectl } from "./kubectl";
import { asLine } from "./rules/small-tree";
import { KEPT_APPLICATIONS, REPOSITORY, tree } from "./tree";

const CONFIGURATIONS = "test/flux-tree/configurations";
const files = [
  EXAMPLE_FILE,
  ...readdirSync(path.join(REPOSITORY, CONFIGURATIONS)).map((name) => `${CONFIGURATIONS}/${name}`),
];

describeWithKubectl("this repository's tree obeys every rule", () => {
  const validator = new TreeValidator(tree);

  it.each(files)("with %s", async (file) => {
    const { environments, findings } = await validator.validate({
      project: loadProject(path.join(REPOSITORY, file)),
      declaredSecrets: applicationSecrets,
    });

    expect(findings.map(asLine)).toEqual([]);
    for (const { hasCluster, systems } of environments.filter((environment) => environment.hasCluster)) {
      expect(hasCluster).toBe(true);
      expect(systems.map(({ name }) => name)).toEqual(expect.arrayContaining([...KEPT_APPLICATIONS]));
    }
  });
});
