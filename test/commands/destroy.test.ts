import { rmSync } from "node:fs";
import { join } from "node:path";
import { SandboxProject } from "../support/sandbox-project";

const project = new SandboxProject((document) => {
  document.environments = [document.environments[0]];
});
afterAll(() => project.remove());

/** The resources that a state has. */
const resourcesIn = (stack: string): unknown[] =>
  project
    .json("state", `${stack}.tfstate`)
    .resources.filter(({ mode }: { mode: string }) => mode === "managed")
    .map(({ type, name }: Record<string, string>) => `${type}.${name}`);

describe("a cluster that the provider does not find, and that is there", () => {
  beforeAll(() => expect(project.run("deploy", "--yes").code).toBe(0));
  const cloud = () => project.json("clouds", "digitalocean.json");
  let before: Record<string, any>;
  beforeEach(() => {
    before = cloud();
  });
  afterEach(() => project.write(["clouds", "digitalocean.json"], JSON.stringify(before)));
  const destroy = () => project.run("destroy", "--environment", "staging", "--yes");
  const states = () =>
    ["staging-cluster", "staging-flux-configuration"].map((stack) =>
      project.read("state", `${stack}.tfstate`),
    );

  test.each<[string, RegExp, (content: Record<string, any>) => void]>([
    [
      "more than 20 clusters in the account",
      /the cluster my-startup-staging \([-\w]+\) is there, and the provider does not find it: the account has 22 clusters/,
      (content) => {
        const own = content.digitalocean_kubernetes_cluster;
        const others = Array.from({ length: 21 }, (_, index) => [
          `00000000-0000-4000-8000-0000000000${10 + index}`,
          { ...(Object.values(own)[0] as object), name: `other-${index}` },
        ]);
        content.digitalocean_kubernetes_cluster = { ...Object.fromEntries(others), ...own };
      },
    ],
    [
      "no credentials (404)",
      /is there, with the status error, and gives out no credentials/,
      (content) => {
        for (const cluster of Object.values<any>(content.digitalocean_kubernetes_cluster))
          cluster.status = "error";
      },
    ],
  ])("%s: destroy forgets nothing, diff says why", (_, reason, change) => {
    const content = cloud();
    change(content);
    project.write(["clouds", "digitalocean.json"], JSON.stringify(content));
    const kept = [cloud(), states()];
    for (const { code, stderr } of [destroy(), project.run("diff")])
      expect([code, stderr]).toEqual([1, expect.stringMatching(reason)]);
    expect([cloud(), states()]).toEqual(kept);
  });

  test("nor does it forget one of its name that was made anew", () => {
    const content = cloud();
    const [own] = Object.values<object>(content.digitalocean_kubernetes_cluster);
    const id = (number: number) => `00000000-0000-4000-8000-${String(number).padStart(12, "0")}`;
    const others = Array.from({ length: 21 }, (_, index) => [
      id(index + 1),
      { ...own, name: `other-${index}` },
    ]);
    content.digitalocean_kubernetes_cluster = { ...Object.fromEntries(others), [id(0)]: own };
    project.write(["clouds", "digitalocean.json"], JSON.stringify(content));
    const kept = [cloud(), states()];
    const { code, stderr } = destroy();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        `the cluster my-startup-staging (${id(0)}) is there, and the provider does not find it: the account has 22 clusters`,
      ),
    ]);
    expect([cloud(), states()]).toEqual(kept);
  });
});

test("an environment whose cluster is gone already is destroyed all the same", () => {
  expect(project.run("deploy", "--yes").code).toBe(0);
  const cloud = project.json("clouds", "digitalocean.json");
  const [cluster = ""] = Object.keys(cloud.digitalocean_kubernetes_cluster);
  delete cloud.digitalocean_kubernetes_cluster;
  delete cloud.digitalocean_kubernetes_node_pool;
  project.write(["clouds", "digitalocean.json"], JSON.stringify(cloud));
  rmSync(join(project.directory, "clouds", "kubernetes", `${cluster}.json`));

  const result = project.run("destroy", "--environment", "staging", "--yes");
  expect([result.code, result.stdout, result.stderr]).toEqual([
    0,
    expect.stringContaining("its cluster is gone already: its objects are forgotten"),
    "",
  ]);
  for (const stack of ["staging-cluster", "staging-flux-configuration", "staging-github-secrets"])
    expect([stack, resourcesIn(stack)]).toEqual([stack, []]);
  const left = project.json("clouds", "digitalocean.json");
  expect(left.digitalocean_vpc).toBeUndefined();
  expect(Object.values(left.digitalocean_project).map(({ name }: any) => name)).toEqual(["first-project"]);
  // And it can be made again.
  expect(project.run("deploy", "--yes").code).toBe(0);
});
