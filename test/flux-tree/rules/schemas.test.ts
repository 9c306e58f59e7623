import { schemasRule } from "../../../src/flux-tree/rules/schemas";
import { MissingSchemas } from "../../../src/flux-tree/schemas";
import type { Manifest } from "../../../src/flux-tree/tree";
import { describeWithKubectl } from "../kubectl";
import { asLine, SmallTree } from "./small-tree";

let tree: SmallTree;
beforeEach(() => {
  tree = new SmallTree();
});
afterEach(() => tree.remove());

describeWithKubectl("schemas", () => {
  test("get every object as Flux would apply it, and findings name its place", async () => {
    const seen: Manifest[] = [];
    const rule = schemasRule(async (objects) => {
      seen.push(...objects);
      return {
        checked: objects.length,
        problems: [
          { object: "Deployment shop/web", path: "spec.replicas", message: "got string, want integer" },
        ],
      };
    });
    const report = await tree.validate({ rules: [rule] });

    expect(seen).toHaveLength(14);
    expect(JSON.stringify(seen)).not.toContain("${infraConfig");
    expect(report.findings.map(asLine)).toEqual([
      "schemas | Deployment shop/web in flux/apps/shop/staging: spec.replicas: got string, want integer; write it as the schema of its kind wants (kubectl explain tells the fields)",
    ]);
    expect(report.environments[0]?.systems).toMatchObject([{ name: "shop", checks: 14, checksPassed: 13 }]);
  });

  test("that are not on this machine leave the rule out, and that is told", async () => {
    const rule = schemasRule(() => Promise.reject(new MissingSchemas()));
    const { findings, leftOut, environments } = await tree.validate({ rules: [rule] });

    expect(findings).toEqual([]);
    expect(leftOut).toEqual([{ what: rule.title, why: new MissingSchemas().message }]);
    expect(environments[0]?.rules).toMatchObject([{ id: "schemas", checks: 0, leftOut: expect.any(String) }]);
  });

  test("that can't be read are an error", async () => {
    const rule = schemasRule(() => Promise.reject(new Error("broken index")));

    await expect(tree.validate({ rules: [rule] })).rejects.toThrow("broken index");
  });
});
