import { type Environment, parseProject } from "../../../src/config";
import {
  type CapacityAnswer,
  capacityQuestions,
  DANGER_KINDS,
  DANGERS,
  type DangerContext,
  type Finding,
  type Room,
} from "../../../src/deployment/dangers";
import { valuesYaml } from "../../../src/flux";
import type { Action, AttributeChange, StackPlan } from "../../../src/terraform";
import { EXAMPLE_TEXT } from "../../support/example";

type Change = (document: Record<string, any>) => void;

function projectWith(change: Change = () => undefined) {
  const document = JSON.parse(EXAMPLE_TEXT.replaceAll("example.com", "acme.example"));
  change(document);
  return parseProject(JSON.stringify(document), "infrastructure.config.json");
}

function workspaceOf(change?: Change): DangerContext["workspace"] {
  return {
    project: projectWith(change),
    configurationName: "infrastructure.config.json",
    variables: {},
    npmRun: (command, ...args) => [`npm run ${command} --`, ...args].join(" "),
  };
}

function find(context: Partial<DangerContext>, change?: Change): Finding[] {
  const whole: DangerContext = {
    workspace: workspaceOf(change),
    plans: [],
    deployed: new Map(),
    orphans: [],
    missing: [],
    capacity: new Map(),
    ...context,
  };
  const findings = DANGERS.flatMap((danger) => danger(whole));
  for (const { kind } of findings) seen.add(kind);
  return findings;
}

/** Kinds that the tests of this file have found. */
const seen = new Set<string>();

const kinds = (findings: readonly Finding[]) => findings.map(({ kind }) => kind);

const attribute = (path: string, before: unknown, after: unknown, more: Partial<AttributeChange> = {}) => ({
  path,
  before,
  after,
  unknown: false,
  sensitive: false,
  forcesReplacement: false,
  ...more,
});

function plan(
  stack: string,
  type: string,
  action: Action,
  attributes: readonly AttributeChange[] = [],
  { name = "x", label }: { name?: string; label?: string } = {},
): StackPlan {
  const changes = [{ address: `${type}.${name}`, type, action, createFirst: false, label, attributes }];
  return {
    stack: { name: stack, directory: "", dependencies: [] },
    changes,
    outputsChange: false,
    assumed: [],
    destroy: false,
  };
}

describe("what no later deploy brings back", () => {
  test.each([
    ["digitalocean_kubernetes_cluster", "cluster-loss"],
    ["digitalocean_vpc", "vpc-loss"],
    ["digitalocean_domain", "domain-loss"],
    ["digitalocean_database_cluster", "database-loss"],
    ["digitalocean_database_db", "database-loss"],
    ["digitalocean_volume", "volume-loss"],
    ["kubernetes_persistent_volume_claim_v1", "volume-loss"],
    ["kubernetes_persistent_volume", "volume-loss"],
    ["digitalocean_spaces_bucket", "bucket-loss"],
  ])("%s is %s when it is destroyed or replaced, and nothing when it is changed or made", (type, kind) => {
    const found = (action: Action) => kinds(find({ plans: [plan("staging-cluster", type, action)] }));
    expect(found("destroy")).toEqual([kind]);
    expect(found("replace")).toEqual([kind]);
    for (const action of ["update", "create", "forget"] as const) expect(found(action)).toEqual([]);
  });

  test.each([
    "digitalocean_kubernetes_node_pool",
    "digitalocean_database_firewall",
    "kubernetes_config_map_v1",
    "null_resource",
  ])("%s may be replaced", (type) => {
    expect(find({ plans: [plan("staging-cluster", type, "replace")] })).toEqual([]);
  });

  test("what an interrupted deploy left half made may be replaced, and not destroyed", () => {
    const half = (action: Action): StackPlan => {
      const one = plan("staging-cluster", "digitalocean_kubernetes_cluster", action);
      return { ...one, changes: one.changes.map((change) => ({ ...change, tainted: true })) };
    };
    expect(find({ plans: [half("replace")] })).toEqual([]);
    expect(kinds(find({ plans: [half("destroy")] }))).toEqual(["cluster-loss"]);
  });

  test("the message has the attribute that forces it, and no sensitive value", () => {
    const [found] = find({
      plans: [
        plan("production-cluster", "digitalocean_kubernetes_cluster", "replace", [
          attribute("region", "nyc3", "fra1", { forcesReplacement: true }),
          attribute("token", "hidden", "secret", { forcesReplacement: true, sensitive: true }),
          attribute("vpc_uuid", "a", undefined, { forcesReplacement: true, unknown: true }),
          attribute("name", "a", "b"),
        ]),
      ],
    });
    expect(found).toMatchObject({ environment: "production", field: "environments[1].cluster" });
    expect(found?.problem).toContain('(region: "nyc3" -> "fra1", token, vpc_uuid: "a" -> (new))');
    expect(found?.remedy).not.toContain("npm run destroy");
  });
});

describe("fields that are settled with the first deploy", () => {
  const deployed = new Map([
    [
      "production",
      {
        name: "my-startup-production",
        region: "nyc3",
        version: "1.34.1-do.2",
        vpcIpRange: "10.20.0.0/16",
        domain: "acme.example",
      },
    ],
  ]);

  test("as they are they are no danger, nor in an environment that was never deployed", () => {
    expect(find({ deployed })).toEqual([]);
    expect(
      find({}, ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
        staging.cluster.version = "1.30";
      }),
    ).toEqual([]);
  });

  test.each<[string, string[], Change]>([
    ["the region", ["region-change"], ({ environments: [, one] }) => (one.cluster.region = "fra1")],
    [
      "the VPC's range",
      ["vpc-range-change"],
      ({ environments: [, one] }) => (one.cluster.vpcIpRange = "10.21.0.0/16"),
    ],
    ["the same range", [], ({ environments: [, one] }) => (one.cluster.vpcIpRange = "10.20.0.0/16")],
    ["the project's name", ["project-rename"], ({ project }) => (project.name = "renamed")],
    ["the domain", ["domain-loss"], ({ project }) => (project.domain = "other.example")],
    [
      "a lower version, which DigitalOcean may have gone beyond",
      [],
      ({ environments: [, one] }) => (one.cluster.version = "1.33"),
    ],
    ["the same version", [], ({ environments: [, one] }) => (one.cluster.version = "1.34")],
    ["the next version", [], ({ environments: [, one] }) => (one.cluster.version = "1.35")],
    [
      "the version after the next",
      ["version-skip"],
      ({ environments: [, one] }) => (one.cluster.version = "1.36"),
    ],
  ])("%s: %j", (_, expected, change) => {
    expect(
      kinds(
        find({ deployed }, (document) => {
          document.environments[1].domain = "acme.example";
          change(document);
          if (document.project.domain !== "acme.example")
            document.environments[1].domain = document.project.domain;
        }),
      ),
    ).toEqual(expected);
  });
});

describe("the domain of an environment's hosts", () => {
  const hosts = (index: number, before: string, after: string, zone = "acme.example") =>
    find(
      { deployed: new Map([[["staging", "production"][index] as string, { domain: zone, hosts: before }]]) },
      ({ environments }) => {
        environments[index].domain = after;
      },
    );

  test("production's can't change unnoticed, though no resource is replaced", () => {
    expect(hosts(1, "acme.example", "other.example")).toEqual([
      expect.objectContaining({
        kind: "domain-loss",
        environment: "production",
        field: "environments[1].domain",
        problem: "every host of production is in acme.example, and would be in other.example.",
        consequence: expect.stringContaining("other.example is outside the zone of acme.example"),
        remedy: expect.stringMatching(
          /^set environments\[1\]\.domain in infrastructure\.config\.json to "acme\.example" again, or leave it out\./,
        ),
      }),
    ]);
    const [below] = hosts(1, "app.acme.example", "web.acme.example");
    expect(below?.consequence).not.toContain("zone");
    expect(below?.remedy).toMatch(/to "app\.acme\.example" again\./);
  });

  test("what stays is no danger, nor what staging does, nor what follows from project.domain", () => {
    expect(hosts(1, "acme.example", "acme.example")).toEqual([]);
    expect(hosts(0, "staging.acme.example", "other.example")).toEqual([]);
    expect(kinds(hosts(1, "acme.example", "other.example", "old.example"))).toEqual(["domain-loss"]);
  });
});

test("what Terraform protects in production is told of each change of it, and no command to destroy it", () => {
  const now = { region: "nyc3", vpcIpRange: "10.20.0.0/16", domain: "acme.example" };
  const deployed = new Map<string, Partial<typeof now>>([
    ["staging", { ...now, domain: undefined }],
    ["production", now],
  ]);
  const found = find({ deployed }, ({ project, environments }) => {
    project.domain = "other.example";
    environments[0].cluster.vpcIpRange = "10.31.0.0/16";
    environments[1].cluster.vpcIpRange = "10.21.0.0/16";
    for (const { cluster } of environments) cluster.region = "fra1";
  });
  const told = (environment: string) => found.filter((one) => one.environment === environment);
  expect(kinds(told("production"))).toEqual(["region-change", "vpc-range-change", "domain-loss"]);
  for (const { deadEnd, remedy } of told("production")) {
    expect(deadEnd).toContain("Terraform protects production's cluster, network and domain");
    expect(remedy).not.toContain("destroy this one");
  }
  expect(told("production")[0]?.remedy).toContain("give this one up (docs/safety.md#giving-production-up).");
  expect(told("staging").map(({ deadEnd }) => deadEnd)).toEqual([
    expect.stringContaining("creates the replacement first"),
    expect.stringContaining("creates the replacement first"),
  ]);
  expect(told("staging")[0]?.remedy).toContain("then destroy this one.");
});

describe("the repository that Flux follows", () => {
  const follows = (github: object) => new Map([["staging", { github }]]);
  const deployed = follows({ owner: "acme", repository: "platform", branch: "main" });
  const configured =
    (more: object): Change =>
    (document) =>
      (document.github = { owner: "acme", repository: "platform", branch: "main", ...more });

  test.each<[string, object, string | undefined]>([
    ["as it is", {}, undefined],
    ["in another case, which GitHub doesn't mind", { owner: "Acme", repository: "Platform" }, undefined],
    ["another repository", { repository: "other" }, "github.repository"],
    ["another owner", { owner: "other" }, "github.owner"],
    ["another branch", { branch: "Main" }, "github.branch"],
    [
      "all of it",
      { owner: "other", repository: "other", branch: "next" },
      "github.owner, github.repository, github.branch",
    ],
  ])("%s", (_, more, field) => {
    const found = find({ deployed }, configured(more));
    expect(found.map((one) => [one.kind, one.environment, one.field])).toEqual(
      field === undefined ? [] : [["repository-change", "staging", field]],
    );
  });

  test("the way back and the way to move are named", () => {
    const [found] = find({ deployed }, configured({ repository: "other" }));
    expect(found?.problem).toBe(
      "Flux in staging follows branch main of acme/platform, and would follow branch main of acme/other.",
    );
    expect(found?.remedy).toMatch(
      /^set github\.repository to "platform" again\..*git push origin HEAD:main.*--allow repository-change$/,
    );
  });

  test("the way to move leads to the GitHub of GITHUB_BASE_URL", () => {
    const change = configured({ repository: "other" });
    const at = (variables: DangerContext["workspace"]["variables"]) =>
      find({ deployed, workspace: { ...workspaceOf(change), variables } }, change)[0]?.remedy;
    expect(at({})).toContain("git remote set-url origin https://github.com/acme/other.git, then");
    expect(at({ GITHUB_BASE_URL: "https://git.acme.example/api/v3/" })).toContain(
      "git remote set-url origin https://git.acme.example/acme/other.git, then",
    );
  });

  test("of the branch alone origin stays, and in a sandbox the checkout is left alone", () => {
    const [branch] = find({ deployed }, configured({ branch: "next" }));
    expect(branch?.remedy).toMatch(
      /^set github\.branch to "main" again\..*\(git push origin HEAD:next\), then npm run/,
    );
    const change = configured({ repository: "other" });
    const [sandboxed] = find({ deployed, workspace: { ...workspaceOf(change), sandbox: "mine" } }, change);
    expect(sandboxed?.remedy).toMatch(
      /^set github\.repository to "platform" again\..*--allow repository-change$/,
    );
    expect(sandboxed?.remedy).not.toMatch(/\bgit (?:push|remote)\b/);
  });

  test("what was never deployed, or can't be told, is no danger", () => {
    expect(find({ deployed: follows({}) }, configured({ repository: "other" }))).toEqual([]);
    expect(find({}, configured({ repository: "other" }))).toEqual([]);
  });
});

test("ha from true to false is a danger, from false to true it isn't", () => {
  const found = (before: boolean, after: boolean) =>
    find({
      plans: [
        plan("staging-cluster", "digitalocean_kubernetes_cluster", "update", [
          attribute("ha", before, after),
        ]),
      ],
    });
  expect(found(true, false)).toMatchObject([
    { kind: "ha-removal", field: "environments[0].cluster.haControlPlane" },
  ]);
  expect(found(false, true)).toEqual([]);
});

describe("stacks that the configuration no longer has", () => {
  test("of an environment that was taken out: one finding for all of them, with the way to destroy it", () => {
    expect(find({ orphans: ["qa-cluster", "qa-flux-configuration"] })).toEqual([
      expect.objectContaining({
        kind: "environment-removal",
        environment: "qa",
        field: "environments",
        remedy: expect.stringContaining("npm run destroy -- --environment qa"),
      }),
    ]);
  });

  test("of github that was taken out: the field is github", () => {
    expect(find({ orphans: ["staging-github-secrets"] })).toEqual([
      expect.objectContaining({
        field: "github",
        remedy: expect.stringContaining("npm run destroy -- --stack staging-github-secrets"),
      }),
    ]);
  });
});

const valuesPlan = (before: Environment, after: Environment): StackPlan =>
  plan(
    "staging-flux-configuration",
    "kubernetes_config_map_v1",
    "update",
    [attribute('data["values.yaml"]', valuesYaml(before), valuesYaml(after))],
    { label: "infrastructure-config" },
  );

const stagingOf = (change?: Change): Environment => projectWith(change).environments[0] as Environment;

describe("storage", () => {
  test("every class that shrinks has a finding, with the line that keeps all of them", () => {
    const larger = stagingOf(({ environments: [one] }) => (one.cluster.nodeSize = "s-4vcpu-8gb"));
    const found = find({ plans: [valuesPlan(larger, stagingOf())] });
    expect(found.map(({ kind, field }) => [kind, field])).toEqual([
      ["storage-shrink", "environments[0].storage.fast.size"],
      ["storage-shrink", "environments[0].storage.bulk.size"],
    ]);
    for (const { remedy } of found)
      expect(remedy).toContain('"storage": {"fast":{"size":"10Gi"},"bulk":{"size":"100Gi"}}');
    expect(find({ plans: [valuesPlan(stagingOf(), larger)] })).toEqual([]);
  });

  test("a size that stands in the configuration is set back, not added a second time", () => {
    const change: Change = ({ environments: [one] }) => (one.storage = { bulk: { size: "20Gi" } });
    expect(find({ plans: [valuesPlan(stagingOf(), stagingOf(change))] }, change)).toMatchObject([
      { remedy: 'set environments[0].storage.bulk.size in infrastructure.config.json to "50Gi" again.' },
    ]);
  });

  test("an application that moves to a smaller class is one, to a larger one it isn't", () => {
    const moved = stagingOf(({ applications }) => (applications.nextcloud.storage = "fast"));
    expect(find({ plans: [valuesPlan(stagingOf(), moved)] })).toMatchObject([
      { kind: "storage-shrink", field: "applications.nextcloud.storage" },
    ]);
    expect(find({ plans: [valuesPlan(moved, stagingOf())] })).toEqual([]);
  });

  const otherClass = stagingOf(({ environments: [one] }) => {
    one.storage = { bulk: { storageClass: "do-block-storage-retain" } };
  });

  test("another StorageClass is a danger of its own, with the class that is deployed and what allowing it doesn't do", () => {
    expect(find({ plans: [valuesPlan(stagingOf(), otherClass)] })).toEqual([
      expect.objectContaining({
        kind: "storage-class-change",
        environment: "staging",
        field: "environments[0].storage.bulk.storageClass",
        remedy: expect.stringContaining('to "do-block-storage" again'),
        allowed: expect.stringContaining("no volume moves"),
      }),
    ]);
  });

  test("an application that moves to storage of another StorageClass is one, even where it gets larger", () => {
    const moved = stagingOf((document) => {
      document.environments[0].storage = { bulk: { storageClass: "do-block-storage-retain" } };
      document.applications.nextcloud.storage = "fast";
    });
    expect(find({ plans: [valuesPlan(moved, otherClass)] })).toMatchObject([
      { kind: "storage-class-change", field: "applications.nextcloud.storage" },
    ]);
  });

  test("a StorageClass that the deployed document doesn't have can't be compared", () => {
    const { fast, bulk } = otherClass.storage;
    const storage = { fast: { size: fast.size }, bulk: { size: bulk.size } };
    const before = { ...otherClass, storage, applications: {} } as unknown as Environment;
    expect(find({ plans: [valuesPlan(before, stagingOf())] })).toEqual([]);
  });
});

describe("pods without room", () => {
  const room = (needed: number | undefined, nodes: number): Room => ({
    needed,
    nodes,
    nodeSize: "s-2vcpu-4gb",
    requests: "5000m CPU and 9000Mi memory",
    tooLarge: needed === undefined ? ["a pod of StatefulSet db would ask for 9000m CPU"] : [],
  });
  const found = (answer: CapacityAnswer) => kinds(find({ capacity: new Map([["staging", answer]]) }));

  test.each<[string, CapacityAnswer, number]>([
    ["fits", { deployed: room(3, 6), wanted: room(6, 6) }, 0],
    ["no longer fits", { deployed: room(5, 6), wanted: room(5, 4) }, 1],
    ["a pod fits no node any more", { deployed: room(5, 6), wanted: room(undefined, 6) }, 1],
    ["is as short as before", { deployed: room(5, 3), wanted: room(5, 3) }, 0],
    ["is less short than before", { deployed: room(5, 2), wanted: room(5, 4) }, 0],
    ["is shorter than before", { deployed: room(5, 4), wanted: room(6, 4) }, 1],
    ["is short, and what was before can't be told", { wanted: room(5, 4) }, 1],
  ])("%s", (_, answer, count) => {
    expect(found(answer)).toEqual(Array.from({ length: count }, () => "pods-without-room"));
  });

  test("the deployed sizes are those of the deployed values, the deployed maximum that of the pool", () => {
    const project = projectWith(({ environments: [staging] }) => {
      staging.cluster.nodeSize = "s-4vcpu-8gb";
      staging.cluster.nodeCount = 3;
    });
    const before = stagingOf();
    const [question, ...others] = capacityQuestions(
      [valuesPlan(before, project.environments[0] as Environment)],
      project,
    );
    expect(others).toEqual([]);
    expect(question?.deployed.cluster).toMatchObject({ node: { slug: "s-2vcpu-4gb" }, nodeCount: 6 });
    expect(question?.deployed.resourceProfiles).toEqual(before.resourceProfiles);
    expect(question?.wanted).toBe(project.environments[0]);

    const pool = plan(
      "production-cluster",
      "digitalocean_kubernetes_node_pool",
      "update",
      [attribute("max_nodes", 9, 6)],
      { name: "node-pool-workload" },
    );
    expect(capacityQuestions([pool], project)).toMatchObject([
      { deployed: { name: "production", cluster: { autoscaling: { minNodes: 3, maxNodes: 9 } } } },
    ]);
  });

  test("the cluster's stack alone is asked about, too: its pool says what was there", () => {
    const nodes = plan(
      "staging-cluster",
      "digitalocean_kubernetes_node_pool",
      "replace",
      [attribute("node_count", 6, 1), attribute("size", "s-2vcpu-4gb", "s-1vcpu-2gb")],
      { name: "node-pool-workload" },
    );
    expect(capacityQuestions([nodes], projectWith())).toMatchObject([
      { deployed: { cluster: { node: { slug: "s-2vcpu-4gb" }, nodeCount: 6 } } },
    ]);
  });

  test("a first deploy and a change of something else ask nothing", () => {
    const first = plan("staging-flux-configuration", "kubernetes_config_map_v1", "create", [], {
      label: "infrastructure-config",
    });
    const domain = plan("staging-cluster", "digitalocean_project", "update", [attribute("name", "a", "b")]);
    expect(capacityQuestions([first, domain], projectWith())).toEqual([]);
  });
});

describe("what states have and the clouds do not", () => {
  const objects = [
    {
      type: "digitalocean_kubernetes_cluster" as const,
      address: "digitalocean_kubernetes_cluster.cluster",
      id: "c-1",
      name: "my-startup-staging",
    },
  ];

  test.each([
    ["same", "was deleted there by hand", "check at cloud.digitalocean.com that it is gone"],
    ["other", "it is of another account or team", "set DIGITALOCEAN_TOKEN"],
    ["unknown", "either DIGITALOCEAN_TOKEN is of another account or team", "set DIGITALOCEAN_TOKEN"],
  ] as const)("with the account %s: %s", (verdict, problem, remedy) => {
    const missing = [{ stack: "staging-cluster", objects, account: { verdict, owner: "uuid-1" } }];
    expect(find({ missing })).toEqual([
      expect.objectContaining({
        kind: "missing-in-cloud",
        environment: "staging",
        field: "environments[0].cluster",
        problem: expect.stringMatching(
          new RegExp(
            `^staging-cluster: the cluster my-startup-staging \\(c-1\\) is in the state.*${problem}`,
          ),
        ),
        remedy: expect.stringContaining(remedy),
      }),
    ]);
  });
});

test("every kind that --allow takes was found by a test above", () => {
  expect([...seen].sort()).toEqual(Object.keys(DANGER_KINDS).sort());
});
