import { describeWithKubectl } from "../kubectl";
import { mistake, SmallTree } from "./small-tree";

describeWithKubectl("the small tree", () => {
  mistake("obeys every rule", () => undefined, []);

  test("is checked by every rule, and its exceptions are listed with their reasons", async () => {
    const tree = new SmallTree();
    const report = await tree.validate();
    tree.remove();

    const [environment] = report.environments;
    expect(environment?.rules.filter(({ checks }) => checks === 0)).toEqual([]);
    expect(environment?.systems).toMatchObject([
      { name: "shop", objects: 14, findings: 0, exceptions: 1 },
      { name: "flux", objects: 0, findings: 0 },
    ]);
    expect(report.exceptions).toEqual([
      {
        rule: "resources",
        system: "shop",
        place: "CronJob shop/report in flux/apps/shop/staging",
        departure: "container report has resources that don't follow the dynamic configuration",
        reason: "A report is as large as the shop's orders, whatever the nodes are.",
      },
    ]);
    expect(report.leftOut).toEqual([]);
  });
});
