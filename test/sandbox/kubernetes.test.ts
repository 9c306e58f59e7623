import { CLUSTER, errorsOf, KUBERNETES, Playground, type Workspace } from "./terraform";

let playground: Playground;
let workspace: Workspace;
beforeEach(async () => {
  playground = await Playground.start();
  workspace = await playground.workspace("main", CLUSTER + KUBERNETES);
  await workspace.mustApply();
});
afterEach(() => playground.stop());

const write = (configuration: string) => workspace.write(CLUSTER + KUBERNETES + configuration);
const clusterFile = () => `kubernetes/${workspace.state()["digitalocean_kubernetes_cluster.it"]?.id}.json`;
const objects = () => playground.read(clusterFile()).objects;

const configMap = (name: string, data: string, metadata = "") => `
resource "kubernetes_config_map_v1" "${name}" {
  metadata {
    name = "${name}"
    ${metadata}
  }
  data = ${data}
}
`;
const NAMESPACE = `
resource "kubernetes_namespace_v1" "flux" {
  metadata {
    name = "flux-system"
  }
  lifecycle {
    ignore_changes = [metadata[0].labels, metadata[0].annotations]
  }
}
`;

describe("objects", () => {
  test("are kept as Kubernetes keeps them, with the metadata that it computes", async () => {
    write(
      NAMESPACE +
        configMap("values", '{ "a" = "1" }', "namespace = kubernetes_namespace_v1.flux.metadata[0].name"),
    );
    await workspace.mustApply();
    expect(objects().ConfigMap["flux-system/values"]).toMatchObject({
      apiVersion: "v1",
      kind: "ConfigMap",
      data: { a: "1" },
      metadata: { name: "values", namespace: "flux-system", uid: expect.stringMatching(/^[0-9a-f-]{36}$/) },
    });
    const before = workspace.state()["kubernetes_config_map_v1.values"] as {
      id: string;
      metadata: Metadata[];
    };
    expect(before).toMatchObject({
      id: "flux-system/values",
      metadata: [{ generation: 0, namespace: "flux-system" }],
    });
    write(
      NAMESPACE +
        configMap("values", '{ "a" = "2" }', "namespace = kubernetes_namespace_v1.flux.metadata[0].name"),
    );
    await workspace.mustApply();
    const after = workspace.state()["kubernetes_config_map_v1.values"] as { metadata: Metadata[] };
    expect(Number(after.metadata[0]?.resource_version)).toBeGreaterThan(
      Number(before.metadata[0]?.resource_version),
    );
    expect(after.metadata[0]?.uid).toBe(before.metadata[0]?.uid);
    expect((await workspace.plan()).code).toBe(0);
  });

  test("that exist already, or whose namespace doesn't, are refused", async () => {
    write(
      configMap("once", '{ "a" = "1" }') +
        'resource "kubernetes_config_map_v1" "twice" {\nmetadata {\nname = "once"\n}\ndepends_on = [kubernetes_config_map_v1.once]\n}\n' +
        configMap("lost", '{ "a" = "1" }', 'namespace = "nowhere"') +
        'resource "kubernetes_namespace_v1" "system" {\nmetadata {\nname = "kube-system"\n}\n}\n',
    );
    expect(errorsOf(await workspace.apply()).sort()).toStrictEqual([
      'configmaps "once" already exists',
      'namespaces "kube-system" already exists',
      'namespaces "nowhere" not found',
    ]);
  });

  test("with data that Kubernetes doesn't take are refused in its words", async () => {
    write(
      configMap("key", '{ "a key" = "1" }') +
        configMap("size", '{ "a" = join("", [for i in range(1000) : format("%02000d", i)]) }') +
        'resource "kubernetes_secret_v1" "both" {\nmetadata {\nname = "both"\n}\ndata = { "x/y" = "1" }\n}\n',
    );
    expect(errorsOf(await workspace.apply()).sort()).toStrictEqual([
      expect.stringMatching(
        /^ConfigMap "key" is invalid: data\[a key\]: Invalid value: "a key": a valid config key must/,
      ),
      'ConfigMap "size" is invalid: []: Too long: may not be more than 1048576 bytes',
      expect.stringMatching(/^Secret "both" is invalid: data\[x\/y\]: Invalid value/),
    ]);
  });

  test("with bad names, labels or annotations are refused before anything is planned", async () => {
    write(
      configMap("a", "{}", 'labels = { "a b" = "x" }') +
        configMap("b", "{}", 'labels = { "a" = "not valid" }') +
        configMap("c", "{}", 'annotations = { "x/y/z" = "1" }') +
        'resource "kubernetes_namespace_v1" "d" {\nmetadata {\nname = "Upper"\n}\n}\n' +
        'resource "kubernetes_config_map_v1" "e" {\nmetadata {\nname = "e"\n}\nbinary_data = { a = "no base64!" }\n}\n',
    );
    expect(errorsOf(await workspace.plan()).sort()).toStrictEqual([
      expect.stringContaining("must be a base64-encoded string"),
      expect.stringContaining('metadata.0.annotations ("x/y/z") a qualified name must have at most one "/"'),
      expect.stringContaining('metadata.0.labels ("a b") name part must consist of'),
      expect.stringContaining('metadata.0.labels ("not valid") a valid label must be'),
      expect.stringContaining("metadata.0.name a lowercase RFC 1123 subdomain"),
    ]);
  });

  test("that are immutable are replaced when their data changes", async () => {
    const immutable = (value: string) =>
      `resource "kubernetes_config_map_v1" "it" {\nmetadata {\nname = "it"\n}\ndata = { a = "${value}" }\nimmutable = true\n}\n`;
    write(immutable("1"));
    await workspace.mustApply();
    write(immutable("2"));
    expect((await workspace.plan()).changes).toStrictEqual({ "kubernetes_config_map_v1.it": "replace" });
  });

  test("go with their namespace", async () => {
    write(NAMESPACE + configMap("values", "{}", "namespace = kubernetes_namespace_v1.flux.metadata[0].name"));
    await workspace.mustApply();
    await workspace.destroy("-target=kubernetes_namespace_v1.flux");
    expect(objects().ConfigMap).toBeUndefined();
    expect(Object.keys(objects().Namespace)).not.toContain("flux-system");
  });

  test("edited by hand are drift; deleted by hand they are created again", async () => {
    write(configMap("one", '{ "a" = "1" }') + configMap("two", '{ "a" = "1" }'));
    await workspace.mustApply();
    playground.edit(clusterFile(), (content) => {
      content.objects.ConfigMap["default/one"].data.a = "by hand";
      delete content.objects.ConfigMap["default/two"];
    });
    expect((await workspace.plan()).changes).toStrictEqual({
      "kubernetes_config_map_v1.one": "update",
      "kubernetes_config_map_v1.two": "create",
    });
    await workspace.mustApply();
    expect(objects().ConfigMap["default/one"].data).toStrictEqual({ a: "1" });
  });

  test("are imported by namespace and name", async () => {
    playground.edit(clusterFile(), (content) => {
      content.objects.ConfigMap = {
        "default/it": {
          apiVersion: "v1",
          kind: "ConfigMap",
          metadata: { name: "it", namespace: "default" },
          data: { a: "1" },
        },
      };
    });
    write(
      `${configMap("it", '{ "a" = "1" }')}import {\n  to = kubernetes_config_map_v1.it\n  id = "default/it"\n}\n`,
    );
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
  });
});

describe("secrets", () => {
  test("write-only data reaches the cluster and neither the plan nor the state", async () => {
    const secret = (revision: number) => `
      variable "key" {
        type      = string
        ephemeral = true
      }
      resource "kubernetes_secret_v1" "it" {
        metadata {
          name = "sops-age"
        }
        data_wo          = { "age.agekey" = var.key }
        data_wo_revision = ${revision}
      }`;
    write(secret(1));
    await workspace.mustApply("-var=key=first-sentinel");
    const stored = () =>
      Buffer.from(objects().Secret["default/sops-age"].data["age.agekey"], "base64").toString();
    expect(stored()).toBe("first-sentinel");
    expect(workspace.stateText()).not.toContain("first-sentinel");
    expect((await workspace.plan("-var=key=second-sentinel")).code).toBe(0);
    write(secret(2));
    expect((await workspace.mustApply("-var=key=second-sentinel")).changes).toStrictEqual({
      "kubernetes_secret_v1.it": "update",
    });
    expect(stored()).toBe("second-sentinel");
    expect(workspace.stateText()).not.toContain("sentinel");
  });
});

describe("objects of others", () => {
  const LABELS = (value: string, force = false) => `
    resource "kubernetes_labels" "it" {
      api_version = "v1"
      kind        = "ConfigMap"
      metadata {
        name = kubernetes_config_map_v1.it.metadata[0].name
      }
      labels = { "owner" = "${value}" }
      force  = ${force}
    }`;
  const OWNED = `
    resource "kubernetes_config_map_v1" "it" {
      metadata {
        name   = "it"
        labels = { "owner" = "flux" }
      }
      lifecycle {
        ignore_changes = [metadata[0].labels]
      }
    }`;

  test("a label that somebody else owns is a conflict, unless it is forced", async () => {
    write(OWNED + LABELS("terraform"));
    const [error] = errorsOf(await workspace.apply());
    expect(error).toMatch(
      /^Field manager conflict: Another client .* conflict with "HashiCorp": \.metadata\.labels\.owner$/,
    );
    write(OWNED + LABELS("terraform", true));
    await workspace.mustApply();
    expect(objects().ConfigMap["default/it"].metadata.labels).toStrictEqual({ owner: "terraform" });
    expect((await workspace.plan()).code).toBe(0);
    write(OWNED);
    await workspace.mustApply();
    expect(objects().ConfigMap["default/it"].metadata.labels).toBeUndefined();
  });

  test("an object that doesn't exist can't be labelled", async () => {
    write(LABELS("x").replace("kubernetes_config_map_v1.it.metadata[0].name", '"nothing"'));
    expect(errorsOf(await workspace.apply())).toStrictEqual(['The resource "nothing" does not exist']);
  });
});

describe("connections", () => {
  const provider = (
    host: string,
    token = "data.digitalocean_kubernetes_cluster.it.kube_config[0].token",
    ca = "",
  ) => `
    data "digitalocean_kubernetes_cluster" "it" {
      name = digitalocean_kubernetes_cluster.it.name
    }
    provider "kubernetes" {
      host  = ${host}
      token = ${token}
      ${ca || "insecure = true"}
    }`;
  const HOST = "data.digitalocean_kubernetes_cluster.it.endpoint";
  const GONE = '"https://00000000-0000-4000-8000-000000000000.k8s.ondigitalocean.com"';

  test.each([
    [
      "no host",
      provider("null"),
      /^Post "http:\/\/localhost\/api\/v1\/.*configmaps": dial tcp 127\.0\.0\.1:80: connect: connection refused$/,
    ],
    [
      "a cluster that is gone",
      provider(GONE),
      /dial tcp: lookup 0+-.*\.k8s\.ondigitalocean\.com: no such host$/,
    ],
    ["a wrong token", provider(HOST, '"wrong"'), /^Unauthorized$/],
    [
      "a wrong certificate",
      provider(HOST, undefined, 'cluster_ca_certificate = "other"'),
      /x509: certificate signed by unknown authority$/,
    ],
  ])("with %s fail as real ones do", async (_, configuration, message) => {
    workspace.write(CLUSTER + configuration + configMap("it", "{}"));
    const errors = errorsOf(await workspace.apply());
    expect(errors).toStrictEqual([expect.stringMatching(message)]);
  });

  test("keep the objects of two clusters apart", async () => {
    const second = CLUSTER.replaceAll('"it"', '"two"').replaceAll('"staging"', '"production"');
    workspace.write(
      `${CLUSTER + second + KUBERNETES}
       data "digitalocean_kubernetes_cluster" "two" {
         name = digitalocean_kubernetes_cluster.two.name
       }
       provider "kubernetes" {
         alias    = "two"
         host     = data.digitalocean_kubernetes_cluster.two.endpoint
         token    = data.digitalocean_kubernetes_cluster.two.kube_config[0].token
         insecure = true
       }
       ${configMap("one", "{}")}
       ${configMap("two", "{}").replace("metadata {", "provider = kubernetes.two\nmetadata {")}`,
    );
    await workspace.mustApply();
    const idOf = (name: string) => workspace.state()[`digitalocean_kubernetes_cluster.${name}`]?.id;
    const namesIn = (name: string) =>
      Object.keys(playground.read(`kubernetes/${idOf(name)}.json`).objects.ConfigMap);
    expect([namesIn("it"), namesIn("two")]).toStrictEqual([["default/one"], ["default/two"]]);
    expect((await workspace.plan()).code).toBe(0);
  });
});

interface Metadata {
  readonly resource_version: string;
  readonly uid: string;
}
