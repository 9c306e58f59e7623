import { CLUSTER, errorsOf, KUBERNETES, Playground, type Run } from "./terraform";

/** One row of the table: what is changed, in which resource type, and its HCL with `%` for the value. */
interface Row {
  readonly type: string;
  readonly attribute: string;
  readonly values: readonly [string, string];
  readonly body: string;
}

const row = (type: string, attribute: string, values: readonly [string, string], body: string): Row => ({
  type,
  attribute,
  values,
  body,
});

const PUBLIC_KEYS = [
  '"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5bMBhuyQZdXG6qgZ0mFgO8QXvpvG4nQPp7wF3h1xVn"',
  '"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAqJ5bMBhuyQZdXG6qgZ0mFgO8QXvpvG4nQPp7wF3h1x"',
] as const;
const POOL = 'node_pool {\nname = "system"\nsize = "s-2vcpu-2gb"\nnode_count = 1\n}';
const cluster = (name: string, more: string, region = '"nyc3"', version = '"1.33.6-do.2"', pool = POOL) =>
  `name = "${name}"\nregion = ${region}\nversion = ${version}\n${more}\n${pool}`;
const environment = (more: string) => `repository = "app"\nenvironment = "shared"\n${more}`;
const object = (metadata: string, more = "") => `metadata {\n${metadata}\n}\n${more}`;

/** A change of these replaces the resource. */
const REPLACES: readonly Row[] = [
  row("digitalocean_vpc", "region", ['"nyc3"', '"fra1"'], 'name = "a"\nregion = %'),
  row(
    "digitalocean_vpc",
    "ip_range",
    ['"10.1.0.0/20"', '"10.2.0.0/20"'],
    'name = "b"\nregion = "nyc3"\nip_range = %',
  ),
  row("digitalocean_kubernetes_cluster", "region", ['"nyc3"', '"fra1"'], cluster("c1", "", "%")),
  row(
    "digitalocean_kubernetes_cluster",
    "vpc_uuid",
    ["digitalocean_vpc.one.id", "digitalocean_vpc.two.id"],
    cluster("c2", "vpc_uuid = %"),
  ),
  row(
    "digitalocean_kubernetes_cluster",
    "cluster_subnet",
    ['"10.244.0.0/16"', '"10.246.0.0/16"'],
    cluster("c3", "cluster_subnet = %"),
  ),
  row(
    "digitalocean_kubernetes_cluster",
    "service_subnet",
    ['"10.245.0.0/16"', '"10.247.0.0/16"'],
    cluster("c4", "service_subnet = %"),
  ),
  row(
    "digitalocean_kubernetes_cluster",
    "node_pool_size",
    ['"s-2vcpu-2gb"', '"s-2vcpu-4gb"'],
    cluster("c5", "", undefined, undefined, POOL.replace('"s-2vcpu-2gb"', "%")),
  ),
  row(
    "digitalocean_kubernetes_cluster",
    "lower_version",
    ['"1.33.6-do.2"', '"1.32.10-do.2"'],
    cluster("c6", "", undefined, "%"),
  ),
  row(
    "digitalocean_kubernetes_node_pool",
    "cluster_id",
    ["digitalocean_kubernetes_cluster.one.id", "digitalocean_kubernetes_cluster.two.id"],
    'cluster_id = %\nname = "a"\nsize = "s-2vcpu-2gb"\nnode_count = 1',
  ),
  row(
    "digitalocean_kubernetes_node_pool",
    "size",
    ['"s-2vcpu-2gb"', '"s-2vcpu-4gb"'],
    'cluster_id = digitalocean_kubernetes_cluster.one.id\nname = "b"\nsize = %\nnode_count = 1',
  ),
  row(
    "digitalocean_project_resources",
    "project",
    ["digitalocean_project.one.id", "digitalocean_project.two.id"],
    "project = %\nresources = []",
  ),
  row("digitalocean_domain", "name", ['"a.example"', '"b.example"'], "name = %"),
  row(
    "digitalocean_domain",
    "ip_address",
    ['"203.0.113.1"', '"203.0.113.2"'],
    'name = "c.example"\nip_address = %',
  ),
  row(
    "digitalocean_record",
    "type",
    ['"TXT"', '"CNAME"'],
    'domain = digitalocean_domain.one.name\ntype = %\nname = "a"\nvalue = "@"',
  ),
  row(
    "digitalocean_record",
    "domain",
    ["digitalocean_domain.one.name", "digitalocean_domain.two.name"],
    'domain = %\ntype = "TXT"\nname = "b"\nvalue = "x"',
  ),
  row("digitalocean_spaces_bucket", "region", ['"nyc3"', '"fra1"'], 'name = "bucket-a"\nregion = %'),
  row("digitalocean_spaces_bucket", "name", ['"bucket-b"', '"bucket-c"'], 'name = %\nregion = "nyc3"'),
  row(
    "github_actions_secret",
    "repository",
    ['"app"', '"other"'],
    'repository = %\nsecret_name = "A"\nplaintext_value = "x"',
  ),
  row(
    "github_actions_secret",
    "secret_name",
    ['"B"', '"C"'],
    'repository = "app"\nsecret_name = %\nplaintext_value = "x"',
  ),
  row(
    "github_actions_secret",
    "plaintext_value",
    ['"x"', '"y"'],
    'repository = "app"\nsecret_name = "D"\nplaintext_value = %',
  ),
  row(
    "github_actions_environment_secret",
    "secret_name",
    ['"B"', '"C"'],
    environment(
      'secret_name = %\nplaintext_value = "x"\ndepends_on = [github_repository_environment.shared]',
    ),
  ),
  row(
    "github_actions_environment_secret",
    "plaintext_value",
    ['"x"', '"y"'],
    environment(
      'secret_name = "D"\nplaintext_value = %\ndepends_on = [github_repository_environment.shared]',
    ),
  ),
  row(
    "github_actions_variable",
    "repository",
    ['"app"', '"other"'],
    'repository = %\nvariable_name = "A"\nvalue = "x"',
  ),
  row(
    "github_actions_variable",
    "variable_name",
    ['"B"', '"C"'],
    'repository = "app"\nvariable_name = %\nvalue = "x"',
  ),
  row(
    "github_actions_environment_variable",
    "variable_name",
    ['"B"', '"C"'],
    environment('variable_name = %\nvalue = "x"\ndepends_on = [github_repository_environment.shared]'),
  ),
  row(
    "github_repository_environment",
    "repository",
    ['"app"', '"other"'],
    'repository = %\nenvironment = "a"',
  ),
  row("github_repository_environment", "environment", ['"b"', '"c"'], 'repository = "app"\nenvironment = %'),
  row(
    "github_repository_deploy_key",
    "title",
    ['"a"', '"b"'],
    `repository = "app"\ntitle = %\nkey = ${PUBLIC_KEYS[0]}`,
  ),
  row("github_repository_deploy_key", "key", PUBLIC_KEYS, 'repository = "other"\ntitle = "a"\nkey = %'),
  row(
    "github_repository_deploy_key",
    "read_only",
    ["true", "false"],
    `repository = "third"\ntitle = "a"\nread_only = %\nkey = ${PUBLIC_KEYS[0]}`,
  ),
  row(
    "github_repository_webhook",
    "repository",
    ['"app"', '"other"'],
    'repository = %\nevents = ["push"]\nconfiguration {\nurl = "https://example.com/a"\n}',
  ),
  row("kubernetes_namespace_v1", "name", ['"a"', '"b"'], object("name = %")),
  row("kubernetes_config_map_v1", "name", ['"a"', '"b"'], object("name = %")),
  row(
    "kubernetes_config_map_v1",
    "namespace",
    ['"default"', '"kube-public"'],
    object('name = "c"\nnamespace = %'),
  ),
  row("kubernetes_secret_v1", "name", ['"a"', '"b"'], object("name = %")),
  row(
    "kubernetes_secret_v1",
    "namespace",
    ['"default"', '"kube-public"'],
    object('name = "c"\nnamespace = %'),
  ),
  row("kubernetes_secret_v1", "type", ['"Opaque"', '"example.com/other"'], object('name = "d"', "type = %")),
  row("kubernetes_service_account_v1", "name", ['"a"', '"b"'], object("name = %")),
  row("null_resource", "triggers", ['"1"', '"2"'], "triggers = { a = % }"),
];

/** A change of these is made in place. */
const UPDATES: readonly Row[] = [
  row("digitalocean_vpc", "description", ['"x"', '"y"'], 'name = "u"\nregion = "nyc3"\ndescription = %'),
  row("digitalocean_vpc", "name", ['"u1"', '"u2"'], 'name = %\nregion = "nyc3"'),
  row(
    "digitalocean_kubernetes_cluster",
    "higher_version",
    ['"1.32.10-do.2"', '"1.33.6-do.2"'],
    cluster("u1", "", undefined, "%"),
  ),
  row("digitalocean_kubernetes_cluster", "tags", ['["a"]', '["a", "b"]'], cluster("u2", "tags = %")),
  row("digitalocean_kubernetes_cluster", "ha", ["false", "true"], cluster("u3", "ha = %")),
  row(
    "digitalocean_kubernetes_cluster",
    "node_count",
    ["1", "2"],
    cluster("u4", "", undefined, undefined, POOL.replace("node_count = 1", "node_count = %")),
  ),
  row(
    "digitalocean_kubernetes_node_pool",
    "node_count",
    ["1", "3"],
    'cluster_id = digitalocean_kubernetes_cluster.one.id\nname = "u1"\nsize = "s-2vcpu-2gb"\nnode_count = %',
  ),
  row(
    "digitalocean_kubernetes_node_pool",
    "labels",
    ['{ a = "1" }', "{}"],
    'cluster_id = digitalocean_kubernetes_cluster.one.id\nname = "u2"\nsize = "s-2vcpu-2gb"\nnode_count = 1\nlabels = %',
  ),
  row("digitalocean_project", "name", ['"u1"', '"u2"'], "name = %"),
  row(
    "digitalocean_record",
    "value",
    ['"x"', '"y"'],
    'domain = digitalocean_domain.one.name\ntype = "TXT"\nname = "u"\nvalue = %',
  ),
  row(
    "digitalocean_spaces_bucket",
    "versioning",
    ["false", "true"],
    'name = "bucket-u"\nversioning {\nenabled = %\n}',
  ),
  row(
    "github_actions_variable",
    "value",
    ['"x"', '"y"'],
    'repository = "app"\nvariable_name = "U"\nvalue = %',
  ),
  row(
    "github_repository_environment",
    "wait_timer",
    ["10", "20"],
    'repository = "app"\nenvironment = "u"\nwait_timer = %',
  ),
  row(
    "github_repository_webhook",
    "url",
    ['"https://example.com/u1"', '"https://example.com/u2"'],
    'repository = "app"\nevents = ["push"]\nconfiguration {\nurl = %\nsecret = "s"\n}',
  ),
  row("kubernetes_config_map_v1", "data", ['"1"', '"2"'], object('name = "u"', "data = { a = % }")),
  row("kubernetes_namespace_v1", "labels", ['"1"', '"2"'], object('name = "u"\nlabels = { a = % }')),
  row("kubernetes_secret_v1", "data", ['"1"', '"2"'], object('name = "u"', "data = { a = % }")),
];

const nameOf = ({ attribute }: Row, kind: string) => `${kind}_${attribute}`;
const address = (entry: Row, kind: string) => `${entry.type}.${nameOf(entry, kind)}`;
const hcl = (rows: readonly Row[], kind: string, index: 0 | 1) =>
  rows
    .map(
      (entry) =>
        `resource "${entry.type}" "${nameOf(entry, kind)}" {\n${entry.body.replaceAll("%", entry.values[index])}\n}`,
    )
    .map((resource) => `${resource}\n`)
    .join("");

const SHARED = `
resource "digitalocean_vpc" "one" {
  name   = "one"
  region = "nyc3"
}
resource "digitalocean_vpc" "two" {
  name   = "two"
  region = "nyc3"
}
resource "digitalocean_kubernetes_cluster" "one" {
  ${cluster("one", "")}
}
resource "digitalocean_kubernetes_cluster" "two" {
  ${cluster("two", "")}
}
resource "digitalocean_project" "one" {
  name = "one"
}
resource "digitalocean_project" "two" {
  name = "two"
}
resource "digitalocean_domain" "one" {
  name = "one.example"
}
resource "digitalocean_domain" "two" {
  name = "two.example"
}
resource "github_repository_environment" "shared" {
  repository  = "app"
  environment = "shared"
}
`;

describe("changes of attributes", () => {
  let playground: Playground;
  let planned: Run;
  let applied: Run;
  let after: Run;

  beforeAll(async () => {
    playground = await Playground.start();
    const configuration = (index: 0 | 1) =>
      SHARED +
      CLUSTER +
      KUBERNETES +
      hcl(REPLACES, "replaced", index) +
      "\n" +
      hcl(UPDATES, "updated", index);
    const workspace = await playground.workspace("changes", configuration(0));
    await workspace.mustApply();
    workspace.write(configuration(1));
    planned = await workspace.plan();
    applied = await workspace.apply();
    after = await workspace.plan();
  });
  afterAll(() => playground.stop());

  test.each(REPLACES.map((entry) => [entry.type, entry.attribute, address(entry, "replaced")]))(
    "%s is replaced when %s changes",
    (_, __, at) => expect(planned.changes[at]).toBe("replace"),
  );

  test.each(UPDATES.map((entry) => [entry.type, entry.attribute, address(entry, "updated")]))(
    "%s is updated in place when %s changes",
    (_, __, at) => expect(planned.changes[at]).toBe("update"),
  );

  test("nothing else changes", () => {
    expect(Object.keys(planned.changes)).toHaveLength(REPLACES.length + UPDATES.length);
  });

  test("the changes are made, and the next plan is empty", () => {
    expect(errorsOf(applied)).toStrictEqual([]);
    expect(after.changes).toStrictEqual({});
    expect(after.code).toBe(0);
  });
});
