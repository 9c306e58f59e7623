import { CLUSTER, errorsOf, Playground, type Run } from "./terraform";

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.start();
});
afterEach(() => playground.stop());

const POOL = `
  node_pool {
    name       = "system"
    size       = "s-2vcpu-2gb"
    node_count = 1
  }`;

const clusterWith = (name: string, attributes: string, pool = POOL) => `
resource "digitalocean_kubernetes_cluster" "${name}" {
  name    = "${name}"
  ${attributes.includes("region") ? "" : 'region = "nyc3"'}
  ${attributes.includes("version") ? "" : 'version = "1.33.6-do.2"'}
  ${attributes}
  ${pool}
}
`;

const poolWith = (name: string, attributes: string) => `
resource "digitalocean_kubernetes_node_pool" "${name}" {
  cluster_id = digitalocean_kubernetes_cluster.it.id
  name       = "${name.replaceAll("_", "-")}"
  ${attributes.includes("size") ? "" : 'size = "s-2vcpu-4gb"'}
  ${attributes}
}`;

const errorFor = (run: Run, address: string) =>
  run.diagnostics.find((diagnostic) => diagnostic.address === address)?.summary ?? "";

describe("what the API refuses", () => {
  /** Resource, its HCL, the request and the part of the message after its id. */
  const REFUSED: ReadonlyArray<readonly [address: string, hcl: string, request: string, message: string]> = [
    [
      "digitalocean_kubernetes_cluster.region",
      clusterWith("region", 'region = "xyz9"'),
      "Error creating Kubernetes cluster: POST https://api.digitalocean.com/v2/kubernetes/clusters: 422",
      'invalid region "xyz9"',
    ],
    [
      "digitalocean_kubernetes_cluster.version",
      clusterWith("version", 'version = "1.20.2-do.0"'),
      "POST https://api.digitalocean.com/v2/kubernetes/clusters: 422",
      'invalid version slug "1.20.2-do.0"',
    ],
    [
      "digitalocean_kubernetes_cluster.size",
      clusterWith("size", "", POOL.replace("s-2vcpu-2gb", "s-3vcpu-9gb")),
      "kubernetes/clusters: 422",
      'worker size "s-3vcpu-9gb" is not valid',
    ],
    [
      "digitalocean_kubernetes_cluster.small",
      clusterWith("small", "", POOL.replace("s-2vcpu-2gb", "s-1vcpu-1gb")),
      "kubernetes/clusters: 422",
      "is too small",
    ],
    [
      "digitalocean_kubernetes_cluster.vpc",
      clusterWith("vpc", 'vpc_uuid = "00000000-0000-4000-8000-000000000000"'),
      "kubernetes/clusters: 422",
      "was not found",
    ],
    [
      "digitalocean_kubernetes_cluster.start",
      clusterWith("start", 'maintenance_policy {\nstart_time = "25:00"\n}'),
      "kubernetes/clusters: 422",
      "must be a time",
    ],
    [
      "digitalocean_kubernetes_node_pool.none",
      poolWith("none", "node_count = 0"),
      "Error creating Kubernetes node pool: Unable to create new default node pool: POST",
      "node pool count must be at least 1",
    ],
    [
      "digitalocean_kubernetes_node_pool.crossed",
      poolWith("crossed", "auto_scale = true\nmin_nodes = 4\nmax_nodes = 2"),
      "node_pools: 422",
      "min_nodes (4) must not be greater than max_nodes (2)",
    ],
    [
      "digitalocean_kubernetes_node_pool.outside",
      poolWith("outside", "auto_scale = true\nmin_nodes = 1\nmax_nodes = 2\nnode_count = 5"),
      "node_pools: 422",
      "must be between min_nodes 1 and max_nodes 2",
    ],
    [
      "digitalocean_vpc.range",
      'resource "digitalocean_vpc" "range" {\nname = "range"\nregion = "nyc3"\nip_range = "8.8.0.0/20"\n}',
      "Error creating VPC: POST https://api.digitalocean.com/v2/vpcs: 422",
      "must be a private range",
    ],
    [
      "digitalocean_vpc.name",
      'resource "digitalocean_vpc" "name" {\nname = "a name"\nregion = "nyc3"\n}',
      "v2/vpcs: 422",
      'invalid name "a name"',
    ],
    [
      "digitalocean_domain.name",
      'resource "digitalocean_domain" "name" {\nname = "no_domain"\n}',
      "v2/domains: 422",
      "not a valid domain name",
    ],
    [
      "digitalocean_record.zone",
      'resource "digitalocean_record" "zone" {\ndomain = "missing.example"\ntype = "TXT"\nname = "@"\nvalue = "x"\n}',
      "404",
      "could not be found",
    ],
    [
      "digitalocean_project_resources.kind",
      'resource "digitalocean_project" "p" {\nname = "p"\n}\nresource "digitalocean_project_resources" "kind" {\nproject = digitalocean_project.p.id\nresources = ["do:vpc:1"]\n}',
      "422",
      "can't be assigned to a project",
    ],
    [
      "digitalocean_spaces_bucket.name",
      'resource "digitalocean_spaces_bucket" "name" {\nname = "No_Bucket"\n}',
      "Error creating Spaces bucket: InvalidBucketName",
      "status code: 400",
    ],
  ];

  test("is an error in the words of the provider, for each resource", async () => {
    const workspace = await playground.workspace(
      "refused",
      CLUSTER + REFUSED.map(([, hcl]) => hcl).join("\n"),
    );
    const run = await workspace.apply();
    const found = REFUSED.map(([address]) => [address, errorFor(run, address)]);
    expect(found).toStrictEqual(
      REFUSED.map(([address, , request, message]) => [
        address,
        expect.stringMatching(new RegExp(`${literal(request)}(?:.|\\n)*${literal(message)}`)),
      ]),
    );
    expect(errorsOf(run)).toHaveLength(REFUSED.length);
    expect(Object.keys(workspace.state())).toStrictEqual(
      expect.arrayContaining(["digitalocean_kubernetes_cluster.it", "digitalocean_project.p"]),
    );
  });

  test("names that are taken: cluster, pool, VPC, project, domain; overlapping ranges", async () => {
    const twice = (type: string, body: string) =>
      `resource "${type}" "one" {\n${body}\n}\nresource "${type}" "two" {\n${body}\ndepends_on = [${type}.one]\n}\n`;
    const workspace = await playground.workspace(
      "taken",
      CLUSTER +
        twice("digitalocean_vpc", 'name = "a"\nregion = "nyc3"') +
        twice("digitalocean_project", 'name = "a"') +
        twice("digitalocean_domain", 'name = "a.example"') +
        twice(
          "digitalocean_kubernetes_node_pool",
          'cluster_id = digitalocean_kubernetes_cluster.it.id\nname = "a"\nsize = "s-2vcpu-4gb"\nnode_count = 1',
        ) +
        clusterWith("staging", "depends_on = [digitalocean_kubernetes_cluster.it]") +
        'resource "digitalocean_vpc" "x" {\nname = "x"\nregion = "nyc3"\nip_range = "10.99.0.0/20"\n}\n' +
        'resource "digitalocean_vpc" "y" {\nname = "y"\nregion = "nyc3"\nip_range = "10.99.8.0/24"\ndepends_on = [digitalocean_vpc.x]\n}\n',
    );
    const errors = errorsOf(await workspace.apply()).map((error) =>
      error.replace(/^.*: \d+ \(request "[-\w]+"\) /, ""),
    );
    expect(errors.sort()).toStrictEqual([
      'a VPC with the name "a" already exists',
      "domain 'a.example': name already exists",
      'ip_range "10.99.8.0/24" overlaps with the range of VPC "x"',
      "name is already in use",
      'validation error: a cluster with the name "staging" already exists',
      'validation error: a node pool with the name "a" already exists in this cluster',
    ]);
  });

  test("wrong values are refused before anything is planned, all at once", async () => {
    const workspace = await playground.workspace(
      "validated",
      `${clusterWith("a", 'maintenance_policy {\nday = "someday"\n}')}
       resource "digitalocean_project" "b" {
         name        = "b"
         environment = "qa"
       }
       resource "digitalocean_spaces_bucket" "c" {
         name   = "c-bucket"
         region = "mars"
       }
       resource "digitalocean_record" "d" {
         domain = "x.example"
         type   = "NOPE"
         name   = "x"
         value  = "x"
       }`,
    );
    expect(errorsOf(await workspace.plan()).sort()).toStrictEqual([
      expect.stringContaining("expected environment to be one of"),
      expect.stringContaining("expected maintenance_policy.0.day to be one of"),
      expect.stringContaining("expected region to be one of"),
      expect.stringContaining("expected type to be one of"),
    ]);
    const types = await playground.workspace(
      "types",
      'resource "digitalocean_vpc" "x" {\nname = "x"\nunknown = 1\n}\nresource "digitalocean_kubernetes_node_pool" "y" {\ncluster_id = "1"\nname = "y"\nsize = "s"\nnode_count = "three"\n}',
    );
    expect(errorsOf(await types.plan()).sort()).toStrictEqual([
      expect.stringContaining("Incorrect attribute value type"),
      expect.stringContaining("Missing required argument"),
      expect.stringContaining("Unsupported argument"),
    ]);
  });
});

const literal = (text: string) => text.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");

describe("clusters", () => {
  test("carry realistic computed values and credentials that are fresh in every read of the data source", async () => {
    const workspace = await playground.workspace(
      "cluster",
      `${CLUSTER}
       data "digitalocean_kubernetes_cluster" "it" {
         name = digitalocean_kubernetes_cluster.it.name
       }`,
    );
    await workspace.mustApply();
    const cluster = workspace.state()["digitalocean_kubernetes_cluster.it"] ?? {};
    const id = String(cluster.id);
    expect(cluster).toMatchObject({
      id: expect.stringMatching(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$/),
      urn: `do:kubernetes:${id}`,
      endpoint: `https://${id}.k8s.ondigitalocean.com`,
      ipv4_address: expect.stringMatching(/^\d+\.\d+\.\d+\.\d+$/),
      status: "running",
      cluster_subnet: "10.244.0.0/16",
      service_subnet: "10.245.0.0/16",
      surge_upgrade: true,
      ha: false,
      node_pool: [
        {
          actual_node_count: 1,
          nodes: [{ status: "running", name: expect.stringMatching(/^system-[0-9a-f]{5}$/) }],
        },
      ],
      kube_config: [
        {
          host: `https://${id}.k8s.ondigitalocean.com`,
          token: expect.stringMatching(/^dop_v1_[0-9a-f]{64}$/),
          raw_config: expect.stringContaining("current-context: do-nyc3-staging"),
        },
      ],
    });
    const data = () =>
      workspace.state()["data.digitalocean_kubernetes_cluster.it"] as {
        kube_config: Array<{ token: string }>;
      };
    const first = data().kube_config[0]?.token;
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await workspace.mustApply("-refresh-only");
    expect(data().kube_config[0]?.token).not.toBe(first);
    expect(workspace.state()["digitalocean_kubernetes_cluster.it"]?.kube_config).toStrictEqual(
      cluster.kube_config,
    );
  });

  test("a minor version is resolved, and then differs for ever, as in the real provider", async () => {
    const workspace = await playground.workspace("minor", clusterWith("it", 'version = "1.33"'));
    await workspace.mustApply();
    expect(workspace.state()["digitalocean_kubernetes_cluster.it"]?.version).toBe("1.33.6-do.2");
    expect((await workspace.plan()).changes).toStrictEqual({
      "digitalocean_kubernetes_cluster.it": "replace",
    });
  });

  test("high availability can't be taken back, and an upgrade can't skip a minor version", async () => {
    const workspace = await playground.workspace(
      "change",
      clusterWith("it", 'ha = true\nversion = "1.31.9-do.5"'),
    );
    await workspace.mustApply();
    workspace.write(clusterWith("it", 'ha = false\nversion = "1.31.9-do.5"'));
    expect(errorsOf(await workspace.apply())).toStrictEqual([
      expect.stringMatching(/^Unable to update cluster: PUT .* 422 .*can not be disabled$/),
    ]);
    workspace.write(clusterWith("it", 'ha = true\nversion = "1.33.6-do.2"'));
    expect(errorsOf(await workspace.apply())).toStrictEqual([
      expect.stringMatching(/can only be upgraded to the next minor version/),
    ]);
    workspace.write(clusterWith("it", 'ha = true\nversion = "1.32.10-do.2"'));
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
  });

  test("versions: newest of a prefix, and nothing for a prefix that is retired", async () => {
    const workspace = await playground.workspace(
      "versions",
      `data "digitalocean_kubernetes_versions" "known" {
         version_prefix = "1.34."
       }
       data "digitalocean_kubernetes_versions" "retired" {
         version_prefix = "1.20."
       }
       data "digitalocean_kubernetes_versions" "all" {}`,
    );
    await workspace.mustApply();
    const state = workspace.state();
    expect(state["data.digitalocean_kubernetes_versions.known"]?.latest_version).toMatch(
      /^1\.34\.\d+-do\.\d+$/,
    );
    expect(state["data.digitalocean_kubernetes_versions.retired"]).toMatchObject({
      latest_version: null,
      valid_versions: [],
    });
    expect(state["data.digitalocean_kubernetes_versions.all"]?.valid_versions).toHaveLength(4);
  });

  test("the data source says which cluster it doesn't find", async () => {
    const workspace = await playground.workspace(
      "missing",
      'data "digitalocean_kubernetes_cluster" "it" {\nname = "nowhere"\n}',
    );
    expect(errorsOf(await workspace.plan())).toStrictEqual(["Unable to find cluster with name: nowhere"]);
  });

  test("a new node size rolls the pool and keeps the cluster", async () => {
    const roll = (size: string) =>
      `${CLUSTER}
       resource "digitalocean_kubernetes_node_pool" "work" {
         cluster_id = digitalocean_kubernetes_cluster.it.id
         name       = "work-${size}"
         size       = "${size}"
         node_count = 2
         lifecycle {
           create_before_destroy = true
         }
       }`;
    const workspace = await playground.workspace("roll", roll("s-2vcpu-4gb"));
    await workspace.mustApply();
    const before = workspace.state()["digitalocean_kubernetes_cluster.it"]?.id;
    workspace.write(roll("s-4vcpu-8gb"));
    expect((await workspace.mustApply()).changes).toStrictEqual({
      "digitalocean_kubernetes_node_pool.work": "replace",
    });
    expect(workspace.state()["digitalocean_kubernetes_cluster.it"]?.id).toBe(before);
    const pools = Object.values(playground.read("digitalocean.json").digitalocean_kubernetes_node_pool);
    expect(pools.map((pool) => (pool as { name: string }).name).sort()).toStrictEqual([
      "system",
      "work-s-4vcpu-8gb",
    ]);
    expect((await workspace.plan()).code).toBe(0);
  });

  test("deleting one takes its pools and its Kubernetes objects; what was gone before is no error", async () => {
    const workspace = await playground.workspace("delete", CLUSTER);
    await workspace.mustApply();
    const { id } = workspace.state()["digitalocean_kubernetes_cluster.it"] as { id: string };
    expect(Object.keys(playground.read(`kubernetes/${id}.json`).objects.Namespace)).toContain("kube-system");
    expect(errorsOf(await workspace.destroy())).toStrictEqual([]);
    expect(() => playground.read(`kubernetes/${id}.json`)).toThrow("ENOENT");
    expect(playground.read("digitalocean.json").digitalocean_kubernetes_node_pool).toBeUndefined();
  });

  test.each([
    [true, []],
    [false, ["load balancer", "volume"]],
  ])("destroy_all_associated_resources %s leaves %j of what its controllers made", async (flag, left) => {
    const workspace = await playground.workspace(
      "associated",
      clusterWith("it", `destroy_all_associated_resources = ${flag}`),
    );
    await workspace.mustApply();
    const { id } = workspace.state()["digitalocean_kubernetes_cluster.it"] as { id: string };
    playground.edit("digitalocean.json", (content) => {
      content.digitalocean_loadbalancer = {
        own: { name: "load balancer", tags: [`k8s:${id}`] },
        other: { name: "of another cluster", tags: ["k8s:other"] },
      };
      content.digitalocean_volume = { own: { name: "volume", tags: [`k8s:${id}`] } };
    });
    expect(errorsOf(await workspace.destroy())).toStrictEqual([]);
    const account = playground.read("digitalocean.json");
    const names = [account.digitalocean_loadbalancer, account.digitalocean_volume]
      .flatMap((section) => Object.values(section ?? {}) as Array<{ name: string }>)
      .map(({ name }) => name);
    expect(names.sort()).toStrictEqual([...left, "of another cluster"].sort());
  });
});

describe("networks", () => {
  test("a VPC with a cluster in it can't be deleted", async () => {
    const workspace = await playground.workspace(
      "vpc",
      `resource "digitalocean_vpc" "it" {
         name   = "staging"
         region = "nyc3"
       }
       ${clusterWith("it", "vpc_uuid = digitalocean_vpc.it.id")}`,
    );
    await workspace.mustApply();
    expect(errorsOf(await workspace.destroy("-target=digitalocean_vpc.it", "-refresh=false"))).toStrictEqual(
      [],
    );
    await workspace.mustApply();
    playground.edit("digitalocean.json", (content) => {
      const [cluster] = Object.values(content.digitalocean_kubernetes_cluster) as [Record<string, string>];
      content.digitalocean_kubernetes_cluster["00000000-0000-4000-8000-000000000001"] = {
        ...cluster,
        name: "other",
      };
    });
    expect(errorsOf(await workspace.destroy())).toStrictEqual([
      expect.stringMatching(/^Error deleting VPC: DELETE .*: 403 .*Can not delete VPC with members$/),
    ]);
  });
});

describe("drift and import", () => {
  const CONFIGURATION = `${CLUSTER}
    resource "digitalocean_kubernetes_node_pool" "work" {
      cluster_id = digitalocean_kubernetes_cluster.it.id
      name       = "work"
      size       = "s-2vcpu-4gb"
      node_count = 2
    }
    resource "digitalocean_vpc" "it" {
      name   = "staging"
      region = "nyc3"
    }
    resource "digitalocean_domain" "it" {
      name = "example.com"
    }
    resource "digitalocean_record" "it" {
      domain = digitalocean_domain.it.name
      type   = "A"
      name   = "www"
      value  = "203.0.113.9"
    }
    resource "digitalocean_spaces_bucket" "it" {
      name = "a-bucket"
    }
    resource "digitalocean_project" "it" {
      name = "staging"
    }`;

  test("an edit of the cloud's file is drift, and what is gone is created again", async () => {
    const workspace = await playground.workspace("drift", CONFIGURATION);
    await workspace.mustApply();
    playground.edit("digitalocean.json", (content) => {
      const [pool] = Object.values(content.digitalocean_kubernetes_node_pool).filter(
        (entry) => (entry as { name: string }).name === "work",
      ) as [Record<string, unknown>];
      pool.node_count = 5;
      content.digitalocean_domain = {};
    });
    const plan = await workspace.plan();
    expect(plan.drift).toStrictEqual({
      "digitalocean_domain.it": "delete",
      "digitalocean_kubernetes_node_pool.work": "update",
      "digitalocean_record.it": "delete",
    });
    expect(plan.changes).toStrictEqual({
      "digitalocean_domain.it": "create",
      "digitalocean_kubernetes_node_pool.work": "update",
      "digitalocean_record.it": "create",
    });
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
  });

  test("what exists is imported, and leaves nothing to replace", async () => {
    const first = await playground.workspace("first", CONFIGURATION);
    await first.mustApply();
    const state = first.state();
    const second = await playground.workspace("second", CONFIGURATION);
    const ids: ReadonlyArray<readonly [string, unknown]> = [
      ["digitalocean_kubernetes_cluster.it", state["digitalocean_kubernetes_cluster.it"]?.id],
      ["digitalocean_kubernetes_node_pool.work", state["digitalocean_kubernetes_node_pool.work"]?.id],
      ["digitalocean_vpc.it", state["digitalocean_vpc.it"]?.id],
      ["digitalocean_domain.it", "example.com"],
      ["digitalocean_record.it", `example.com,${state["digitalocean_record.it"]?.id}`],
      ["digitalocean_spaces_bucket.it", "nyc3,a-bucket"],
      ["digitalocean_project.it", state["digitalocean_project.it"]?.id],
    ];
    second.write(
      CONFIGURATION + ids.map(([to, id]) => `\nimport {\n  to = ${to}\n  id = "${id}"\n}\n`).join(""),
    );
    const run = await second.mustApply();
    expect(
      Object.values(run.changes).filter((action) => !["noop", "update", "import"].includes(action)),
    ).toStrictEqual([]);
    expect(second.state()["digitalocean_kubernetes_cluster.it"]?.id).toBe(
      state["digitalocean_kubernetes_cluster.it"]?.id,
    );
    expect((await second.plan()).code).toBe(0);
  });
});
