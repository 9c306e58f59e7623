import digitalOcean from "../../sandbox/schemas/digitalocean.json";
import gitHub from "../../sandbox/schemas/github.json";
import kubernetes from "../../sandbox/schemas/kubernetes.json";
import nullSchema from "../../sandbox/schemas/null.json";
import { EVERY_DATA_SOURCE, EVERY_TYPE } from "./resource-types";
import { CLUSTER, errorsOf, KUBERNETES, Playground, type Run, type Workspace } from "./terraform";

const SCHEMAS = [digitalOcean, gitHub, kubernetes, nullSchema];
const RESOURCES = SCHEMAS.flatMap((schema) => Object.keys(schema.resource_schemas));
const DATA_SOURCES = SCHEMAS.flatMap((schema) => Object.keys(schema.data_source_schemas));
const addressOf = (type: string) => `${type}.${type === "digitalocean_kubernetes_cluster" ? "it" : "x"}`;

describe("one resource of every type", () => {
  let playground: Playground;
  let workspace: Workspace;
  let applied: Run;
  let second: Run;

  beforeAll(async () => {
    playground = await Playground.start();
    workspace = await playground.workspace("types", CLUSTER + KUBERNETES + EVERY_TYPE + EVERY_DATA_SOURCE);
    applied = await workspace.apply();
    second = await workspace.plan();
  });
  afterAll(() => playground.stop());

  test("is created without an error", () => {
    expect(errorsOf(applied)).toStrictEqual([]);
  });

  test("leaves an empty second plan", () => {
    expect(errorsOf(second)).toStrictEqual([]);
    expect(second.changes).toStrictEqual({});
    expect(second.code).toBe(0);
  });

  test.each(RESOURCES)("%s is in the state with an id", (type) => {
    expect(workspace.state()[addressOf(type)]?.id).toEqual(expect.stringMatching(/./));
  });

  test.each(DATA_SOURCES)("data source %s is in the state with an id", (type) => {
    expect(workspace.state()[`data.${addressOf(type)}`]?.id).toEqual(expect.stringMatching(/./));
  });

  test("values that the clouds never give back are in no cloud's file", () => {
    expect(JSON.stringify(playground.read("github.json"))).not.toContain("not to be stored");
  });

  test("is destroyed without a rest", async () => {
    const destroyed = await workspace.destroy();
    expect(errorsOf(destroyed)).toStrictEqual([]);
    const { account, digitalocean_project, digitalocean_vpc, ...rest } = playground.read("digitalocean.json");
    expect(
      Object.values(digitalocean_project).map((project) => (project as { name: string }).name),
    ).toStrictEqual(["first-project"]);
    // The VPC that DigitalOcean makes for clusters and load balancers without one stays, as in the real account.
    expect(Object.values(digitalocean_vpc).map((vpc) => (vpc as { name: string }).name)).toStrictEqual([
      "default-nyc3",
    ]);
    expect(rest).toStrictEqual({});
    expect(account).toBeDefined();
    expect(Object.keys(playground.read("github.json").repositories["acme/app"])).toStrictEqual([
      "default_branch",
      "head",
      "id",
      "key_id",
      "node_id",
      "private",
      "private_key",
      "public_key",
    ]);
  });
});
