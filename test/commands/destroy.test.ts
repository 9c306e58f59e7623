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
