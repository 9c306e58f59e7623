import { spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { valuesYaml } from "../../src/flux";
import { exampleEnvironment } from "../flux-tree/produced-names";
import { type Manifest, REPOSITORY, textOf } from "../flux-tree/tree";
import { Chart, describeWithHelm } from "./helm";

const chart = new Chart(path.join(REPOSITORY, "helm/fade"), "fade");
const render = (...values: readonly unknown[]): Manifest[] => chart.objects(...values);
const find = (objects: readonly Manifest[], kind: string, name: string): Manifest => {
  const found = objects.find((object) => object.kind === kind && object.metadata?.name === name);
  if (!found) throw new Error(`no ${kind} ${name}`);
  return found;
};
const names = (objects: readonly Manifest[], kind: string): unknown[] =>
  objects.filter((object) => object.kind === kind).map(({ metadata }) => metadata?.name);
const nodes = (objects: readonly Manifest[]): Manifest => find(objects, "StatefulSet", "repram-node");
const server = (objects: readonly Manifest[]): Manifest => find(objects, "Deployment", "fade");
const resourcesOf = (workload: Manifest): unknown => workload.spec.template.spec.containers[0].resources;
const templateOf = (workload: Manifest): unknown => workload.spec.template;

/** A node's resources with the ephemeral storage that the chart adds. */
const withStorage = (requests: object, limits: object): unknown => ({
  requests: { ...requests, "ephemeral-storage": "256Mi" },
  limits: { ...limits, "ephemeral-storage": "512Mi" },
});
const STATED = withStorage({ cpu: "100m", memory: "128Mi" }, { cpu: "200m", memory: "256Mi" });
const MEDIUM = { requests: { cpu: "1000m", memory: "1Gi" }, limits: { cpu: "1000m", memory: "1Gi" } };
const OWN = { requests: { cpu: "300m", memory: "300Mi" }, limits: { cpu: "600m", memory: "600Mi" } };

/** The document of infrastructure-config, as far as it matters here. */
const DOCUMENT = {
  resourceProfiles: {
    medium: MEDIUM,
    gpu: { requests: { cpu: 4, memory: "8Gi" }, limits: { cpu: 4, memory: "8Gi", "nvidia.com/gpu": 1 } },
  },
  storage: { fast: { storageClass: "do-block-storage", size: "10Gi" } },
  cluster: { name: "one", nodeCount: 3 },
  networking: { ingressClass: "nginx", ingressReplicas: 2 },
  applications: { fade: { profile: "medium", resources: MEDIUM, replicas: 5 }, other: { replicas: 1 } },
};

describeWithHelm("the chart fade", () => {
  it("has nothing that helm lint complains about", () => {
    for (const values of [{}, DOCUMENT, { ingress: { enabled: true, host: "fade.example.com" } }]) {
      const { status, stdout } = chart.lint(values);
      expect({ status, stdout }).toStrictEqual({
        status: 0,
        stdout: expect.stringContaining("1 chart(s) linted, 0 chart(s) failed"),
      });
      expect(stdout).not.toMatch(/\[(WARNING|ERROR)\]/);
    }
  });

  it("describes each of its top-level values in README.md", () => {
    const readme = textOf("helm/fade/README.md");
    const schema = JSON.parse(textOf("helm/fade/values.schema.json")) as { properties: object };
    const keys = Object.keys(schema.properties).filter((key) => key !== "global");
    expect(keys.filter((key) => !readme.includes(`\`${key}`))).toEqual([]);
  });

  describe("without values", () => {
    it("has the stated number of nodes and replicas of the server", () => {
      expect(nodes(render()).spec.replicas).toBe(3);
      expect(server(render()).spec.replicas).toBe(1);
    });

    it("gives nodes the stated resources and ephemeral storage", () => {
      const { spec } = nodes(render());
      expect(resourcesOf(nodes(render()))).toStrictEqual(STATED);
      expect(spec.template.spec.volumes).toStrictEqual([
        { name: "ephemeral", emptyDir: { sizeLimit: "256Mi" } },
      ]);
      expect(spec.volumeClaimTemplates).toBeUndefined();
    });

    it("has no Ingress, and a budget only for what has more than one replica", () => {
      expect(names(render(), "Ingress")).toEqual([]);
      expect(names(render(), "PodDisruptionBudget")).toEqual(["repram-node"]);
    });

    it("tests the server and every node", () => {
      const tests = render().filter(
        ({ kind, metadata }) => kind === "Pod" && metadata?.annotations?.["helm.sh/hook"] === "test",
      );
      expect(tests.map(({ spec }) => spec.containers[0].env[0].value)).toEqual([
        "fade:3000",
        "repram-node-0.repram-nodes:8080,repram-node-1.repram-nodes:8080,repram-node-2.repram-nodes:8080",
      ]);
      expect(names(render(), "NetworkPolicy")).toEqual(
        expect.arrayContaining(["fade", "repram-node", "fade-test", "fade-tested"]),
      );
    });
  });

  describe("with many replicas", () => {
    const many = { nodes: { replicaCount: 12 }, fade: { replicaCount: 2 } };
    const addresses = Array.from({ length: 12 }, (_, index) => `repram-node-${index}.repram-nodes:8080`);

    it("tells the server every node, in both forms, and the nodes their peers", () => {
      const objects = render(many);
      expect(find(objects, "ConfigMap", "fade").data).toStrictEqual({
        PORT: "3000",
        REPRAM_NODES: addresses.join(","),
        FADE_NODES: addresses.map((address) => `http://${address}`).join(","),
      });
      expect(find(objects, "ConfigMap", "repram-node").data).toStrictEqual({
        REPRAM_PORT: "8080",
        REPRAM_GOSSIP_PORT: "9090",
        REPLICATION_FACTOR: "3",
        REPRAM_BOOTSTRAP_PEERS: addresses.join(","),
      });
    });

    it("restarts the server for another number of nodes, and no node", () => {
      const [three, twelve] = [render(), render({ nodes: { replicaCount: 12 } })];
      expect(templateOf(server(three))).not.toEqual(templateOf(server(twelve)));
      expect(templateOf(nodes(three))).toEqual(templateOf(nodes(twelve)));
    });

    it("spreads and protects the server, too", () => {
      const objects = render(many);
      expect(names(objects, "PodDisruptionBudget").sort()).toEqual(["fade", "repram-node"]);
      for (const workload of [server(objects), nodes(objects)]) {
        expect(workload.spec.template.spec.topologySpreadConstraints).toMatchObject([
          { topologyKey: "kubernetes.io/hostname", labelSelector: workload.spec.selector },
        ]);
      }
    });

    it("writes to no more copies than there are nodes", () => {
      const data = find(render({ nodes: { replicaCount: 1 } }), "ConfigMap", "repram-node").data;
      expect(data.REPLICATION_FACTOR).toBe("1");
      expect(names(render({ nodes: { replicaCount: 1 } }), "PodDisruptionBudget")).toEqual([]);
    });
  });

  describe("with the dynamic configuration", () => {
    it.each(["staging", "production"] as const)("accepts the document of %s", (environment) => {
      const objects = render(valuesYaml(exampleEnvironment(environment)));
      expect(nodes(objects).spec.replicas).toBe(3);
      expect(resourcesOf(nodes(objects))).toStrictEqual(STATED);
    });

    it("takes replicas and resources of the nodes from applications.fade", () => {
      const objects = render(DOCUMENT);
      expect(nodes(objects).spec.replicas).toBe(5);
      expect(resourcesOf(nodes(objects))).toStrictEqual(withStorage(MEDIUM.requests, MEDIUM.limits));
      expect(find(objects, "ConfigMap", "fade").data.REPRAM_NODES.split(",")).toHaveLength(5);
    });

    it("puts nodes.profile before applications.fade.resources", () => {
      const { requests, limits } = DOCUMENT.resourceProfiles.gpu;
      expect(resourcesOf(nodes(render(DOCUMENT, { nodes: { profile: "gpu" } })))).toStrictEqual(
        withStorage(requests, limits),
      );
    });

    it("puts nodes.resources before a profile, and nodes.replicaCount before applications.fade.replicas", () => {
      const objects = render(DOCUMENT, { nodes: { resources: OWN, profile: "gpu", replicaCount: 4 } });
      expect(resourcesOf(nodes(objects))).toStrictEqual(withStorage(OWN.requests, OWN.limits));
      expect(nodes(objects).spec.replicas).toBe(4);
    });

    it("keeps the server's own size unless it has a profile or resources", () => {
      expect(resourcesOf(server(render(DOCUMENT)))).toStrictEqual({
        requests: { cpu: "50m", memory: "64Mi" },
        limits: { cpu: "200m", memory: "128Mi" },
      });
      expect(resourcesOf(server(render(DOCUMENT, { fade: { profile: "medium" } })))).toStrictEqual(MEDIUM);
      expect(
        resourcesOf(server(render(DOCUMENT, { fade: { profile: "medium", resources: OWN } }))),
      ).toStrictEqual(OWN);
    });

    it("takes the class of the Ingress from it unless one is stated", () => {
      const ingress = { enabled: true, host: "fade.example.com" };
      const classOf = (...values: readonly unknown[]): unknown =>
        find(render(...values), "Ingress", "fade").spec.ingressClassName;
      expect(classOf({ ingress })).toBeUndefined();
      expect(classOf(DOCUMENT, { ingress })).toBe("nginx");
      expect(classOf(DOCUMENT, { ingress: { ...ingress, className: "traefik" } })).toBe("traefik");
    });
  });

  it("names an image by version and digest", () => {
    const digest = `sha256:${"0".repeat(64)}`;
    const image = { repository: "registry.example.com/fade-server", tag: "v1.2.3", digest };
    const [container] = server(render({ fade: { image } })).spec.template.spec.containers;
    expect(container.image).toBe(`registry.example.com/fade-server:v1.2.3@${digest}`);
  });

  it("starts the server with its port and the nodes, or leaves that to the image", () => {
    const containerOf = (values: unknown): Manifest =>
      server(render(values)).spec.template.spec.containers[0];
    expect(containerOf({})).toMatchObject({
      command: ["./fade-server"],
      args: ["-port", "$(PORT)", "-nodes", "$(FADE_NODES)"],
    });
    const left = containerOf({ fade: { command: [] } });
    expect([left.command, left.args]).toEqual([undefined, undefined]);
  });

  describe("notes after the installation", () => {
    let folder: string;
    beforeEach(() => {
      folder = mkdtempSync(path.join(tmpdir(), "fade-notes-"));
    });
    afterEach(() => rmSync(folder, { recursive: true }));

    /** helm renders them only against a cluster, so they become an object of a copy of the chart. */
    function notes(values: unknown): string {
      cpSync(path.join(REPOSITORY, "helm/fade"), folder, { recursive: true });
      const text = readFileSync(path.join(folder, "templates/NOTES.txt"), "utf8");
      writeFileSync(
        path.join(folder, "templates/notes.yaml"),
        `{{- define "notes" }}${text}{{ end }}\nkind: Notes\nmetadata: {name: notes}\ntext: {{ include "notes" . | quote }}\n`,
      );
      return find(new Chart(folder, "fade").objects(values), "Notes", "notes").text;
    }

    it("name the nodes, the way to the web page and the test", () => {
      const text = notes({ nodes: { replicaCount: 2 } });
      expect(text).toContain(
        "2 REPRAM node(s):\n\n  repram-node-0.repram-nodes:8080\n  repram-node-1.repram-nodes:8080\n",
      );
      expect(text).toContain("kubectl --namespace fade port-forward service/fade 3000");
      expect(text).toContain("helm test fade --namespace fade");
      expect(notes({ ingress: { enabled: true, host: "fade.example.com" } })).toContain(
        "Web page: https://fade.example.com",
      );
    });

    it("say that messages are lost with their pods, as intended", () => {
      expect(notes({})).toContain("a pod that restarts has lost its copies, as intended");
      expect(notes({})).not.toContain("With one node");
      expect(notes({ nodes: { replicaCount: 1 } })).toContain("With one node there is no other copy");
    });
  });

  describe("refuses", () => {
    const schema = (...lines: readonly string[]): string =>
      [
        "values don't meet the specifications of the schema(s) in the following chart(s):",
        "fade:",
        ...lines,
      ].join("\n");

    it.each([
      [
        "a misspelt key",
        { nodes: { replicas: 3 } },
        "- at '/nodes': additional properties 'replicas' not allowed",
      ],
      ["a misspelt section", { node: {} }, "- at '': additional properties 'node' not allowed"],
      ["no node", { nodes: { replicaCount: 0 } }, "- at '/nodes/replicaCount': minimum: got 0, want 1"],
      [
        "a word as a number",
        { nodes: { replicaCount: "three" } },
        "- at '/nodes/replicaCount': got string, want null or integer",
      ],
      [
        "persistent storage",
        { nodes: { persistence: { enabled: true } } },
        "- at '/nodes/persistence/enabled': value must be false",
      ],
      [
        "a port out of range",
        { nodes: { httpPort: 99999 } },
        "- at '/nodes/httpPort': maximum: got 99,999, want 65,535",
      ],
      [
        "a tag that moves",
        { fade: { image: { tag: "latest" } } },
        "- at '/fade/image/tag': 'latest' does not match pattern '^$|^v?[0-9]+\\\\.[0-9]+\\\\.[0-9]+([-+.][0-9A-Za-z.-]+)?$|^[0-9a-f]{40}$'",
      ],
      [
        "an unknown type of Service",
        { fade: { service: { type: "External" } } },
        "- at '/fade/service/type': value must be one of 'ClusterIP', 'NodePort', 'LoadBalancer'",
      ],
      [
        "resources without requests",
        { nodes: { resources: { limits: { memory: "1Gi" } } } },
        "- at '/nodes/resources': missing property 'requests'",
      ],
      [
        "a quantity that is none",
        { nodes: { resources: { requests: { cpu: "lots", memory: "1Gi" }, limits: { memory: "1Gi" } } } },
        "- at '/nodes/resources/requests/cpu': 'lots' does not match pattern '^[0-9]+(\\\\.[0-9]+)?(m|[kMGTPE]i?)?$'",
      ],
      [
        "an Ingress without a host",
        { ingress: { enabled: true } },
        "- at '/ingress/host': '' is not valid hostname: label must be 1 to 63 characters long",
      ],
      ["root", { runAsUser: 0 }, "- at '/runAsUser': minimum: got 0, want 1"],
      [
        "a document without replicas",
        { applications: { fade: { replicas: 0 } } },
        "- at '/applications/fade/replicas': minimum: got 0, want 1",
      ],
      [
        "an incomplete profile",
        { resourceProfiles: { tiny: { requests: { cpu: 1, memory: 1 } } } },
        "- at '/resourceProfiles/tiny': missing property 'limits'",
      ],
    ])("%s", (_, values, line) => {
      const { status, message } = chart.template(values);
      expect({ status, message }).toStrictEqual({ status: 1, message: schema(line) });
    });

    it.each([
      [
        "a profile that there is not",
        { ...DOCUMENT, nodes: { profile: "huge" } },
        'nodes.profile: there is no resource profile "huge" in infrastructure-config, only: gpu, medium. Choose one of them, or state nodes.resources',
      ],
      [
        "a profile without the document",
        { fade: { profile: "medium" } },
        'fade.profile: there is no resource profile "medium" in infrastructure-config, only: none. Choose one of them, or state fade.resources',
      ],
      [
        "one port for two things",
        { nodes: { gossipPort: 8080 } },
        "nodes.gossipPort: 8080 is nodes.httpPort too. Give them two ports",
      ],
      [
        "a variable that is the chart's",
        { nodes: { env: { REPRAM_PORT: "80" } } },
        "nodes.env.REPRAM_PORT: the chart sets this variable itself. Change the value that it follows from (README.md)",
      ],
    ])("%s", (_, values, reason) => {
      const { status, message } = chart.template(values);
      expect({
        status,
        message: message.replace(/^execution error at \(fade\/templates\/[\w.-]+:\d+:\d+\): /, ""),
      }).toStrictEqual({
        status: 1,
        message: reason,
      });
    });
  });
});

describeWithHelm("a node of fade that starts", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(path.join(tmpdir(), "fade-node-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** Runs the init container's script with a wget that reaches only some addresses, and a sleep that takes no time. */
  function start(
    node: number,
    reachable: readonly string[],
  ): { status: number | null; tried: string[]; said: string } {
    const program = (name: string, text: string): void => {
      writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`);
      chmodSync(path.join(folder, name), 0o755);
    };
    const log = path.join(folder, "tried");
    writeFileSync(log, "");
    const cases = reachable.map((address) => `http://${address}/health) exit 0 ;;`).join(" ");
    program(
      "wget",
      `for url in "$@"; do :; done; echo "$url" >> "${log}"; case "$url" in ${cases} esac; exit 1`,
    );
    program("sleep", "exit 0");
    const objects = render();
    const [container] = nodes(objects).spec.template.spec.initContainers;
    const { status, stdout } = spawnSync("sh", container.command.slice(1), {
      encoding: "utf8",
      env: {
        PATH: `${folder}:${process.env.PATH}`,
        ...find(objects, "ConfigMap", "repram-node").data,
        REPRAM_NODE_ID: `repram-node-${node}`,
        ATTEMPTS: "2",
      },
    });
    const tried = readFileSync(log, "utf8").split("\n").filter(Boolean);
    return { status, tried, said: stdout.trim() };
  }

  it("waits for nobody if it is the first one, which founds the cluster", () => {
    expect(start(0, [])).toStrictEqual({ status: 0, tried: [], said: "" });
  });

  it("waits for another one, not for itself", () => {
    const other = "repram-node-2.repram-nodes:8080";
    expect(start(1, [other])).toStrictEqual({
      status: 0,
      tried: ["http://repram-node-0.repram-nodes:8080/health", `http://${other}/health`],
      said: `${other} answers`,
    });
  });

  it("starts alone after so many attempts", () => {
    const { status, tried, said } = start(2, []);
    expect({ status, said }).toStrictEqual({ status: 0, said: "no other node answers: starting alone" });
    expect(tried).toHaveLength(4);
  });
});
