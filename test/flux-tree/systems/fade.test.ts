import path from "node:path";
import { build as buildFolder, substitute } from "../../../src/flux-tree";
import { build, describeWithKubectl } from "../kubectl";
import { ENVIRONMENTS, type EnvironmentName, producedVariables } from "../produced-names";
import { type RenderedEnvironment, rendered } from "../rendered-environment";
import { exists, fluxKustomizations, type Manifest, parseManifests, textOf, tree } from "../tree";

const HOSTS: Readonly<Record<EnvironmentName, string>> = {
  staging: "fade.staging.example.com",
  production: "fade.example.com",
};
const labelsOf = (component: "server" | "node"): object => ({
  "app.kubernetes.io/name": "fade",
  "app.kubernetes.io/instance": "fade",
  "app.kubernetes.io/component": component,
});
/** Any version: Renovate, or Flux, changes it. */
const VERSION = expect.stringMatching(/^v\d+\.\d+\.\d+$/);
const HEALTH = { httpGet: { path: "/health", port: "http" } };
const TO_DNS = {
  to: [
    {
      namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "kube-system" } },
      podSelector: { matchLabels: { "k8s-app": "kube-dns" } },
    },
  ],
  ports: [
    { protocol: "UDP", port: 53 },
    { protocol: "TCP", port: 53 },
  ],
};

describeWithKubectl("fade", () => {
  describe.each(ENVIRONMENTS)("in %s", (environment) => {
    let fade: RenderedEnvironment;
    let server: Manifest;
    let nodes: Manifest;
    const containerOf = (workload: Manifest): Manifest => workload.spec.template.spec.containers[0];
    const envOf = (name: string): Record<string, string> => fade.find("ConfigMap", name).data;

    beforeAll(async () => {
      fade = (await rendered(environment)).system("fade");
      server = fade.find("Deployment", "fade");
      nodes = fade.find("StatefulSet", "repram-node");
    });

    test("server and nodes are separate containers in workloads of their own", () => {
      expect(containerOf(server).image).toMatch(/^docker\.io\/ticktockbent\/fade-server:v\d+\.\d+\.\d+$/);
      expect(containerOf(nodes).image).toMatch(
        /^docker\.io\/ticktockbent\/repram-cluster-node:v\d+\.\d+\.\d+$/,
      );
      for (const { spec } of [server, nodes]) expect(spec.template.spec.containers).toHaveLength(1);
      expect(new Set([...fade.ofKind("Deployment"), ...fade.ofKind("StatefulSet")])).toEqual(
        new Set([server, nodes]),
      );
    });

    test("the server has one replica", () => {
      expect(server.spec.replicas).toBe(1);
    });

    test("there are three nodes", () => {
      expect(nodes.spec.replicas).toBe(3);
    });

    test("nodes have predictable names behind a headless service", () => {
      expect(nodes.spec).toMatchObject({
        serviceName: "repram-nodes",
        podManagementPolicy: "Parallel",
        selector: { matchLabels: labelsOf("node") },
        template: { metadata: { labels: labelsOf("node") } },
      });
      expect(nodes.metadata?.namespace).toBe("fade");
      expect(containerOf(nodes).env).toEqual([
        { name: "REPRAM_NODE_ID", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "NODE_ADDRESS", value: "$(REPRAM_NODE_ID).repram-nodes.fade.svc.cluster.local" },
      ]);
    });

    test("the headless service returns every node, also one that is starting", () => {
      expect(fade.find("Service", "repram-nodes").spec).toEqual({
        clusterIP: "None",
        publishNotReadyAddresses: true,
        selector: labelsOf("node"),
        ports: [
          { name: "http", port: 8080, targetPort: "http" },
          { name: "gossip", port: 9090, targetPort: "gossip" },
        ],
      });
    });

    test("the server's REPRAM_NODES names every node", () => {
      expect(envOf("fade")).toEqual({
        PORT: "3000",
        REPRAM_NODES:
          "repram-node-0.repram-nodes:8080,repram-node-1.repram-nodes:8080,repram-node-2.repram-nodes:8080",
        FADE_NODES:
          "http://repram-node-0.repram-nodes:8080,http://repram-node-1.repram-nodes:8080,http://repram-node-2.repram-nodes:8080",
      });
      expect(containerOf(server).envFrom).toEqual([{ configMapRef: { name: "fade" } }]);
    });

    test("nodes know their peers and the ports for HTTP and gossip", () => {
      expect(envOf("repram-node")).toEqual({
        REPRAM_PORT: "8080",
        REPRAM_GOSSIP_PORT: "9090",
        REPLICATION_FACTOR: "3",
        REPRAM_BOOTSTRAP_PEERS:
          "repram-node-0.repram-nodes:8080,repram-node-1.repram-nodes:8080,repram-node-2.repram-nodes:8080",
      });
      expect(containerOf(nodes).envFrom).toEqual([{ configMapRef: { name: "repram-node" } }]);
      expect(containerOf(nodes).ports).toEqual([
        { name: "http", containerPort: 8080 },
        { name: "gossip", containerPort: 9090 },
      ]);
    });

    test("nodes wait for another one before they join", () => {
      const [container] = nodes.spec.template.spec.initContainers;
      expect(container).toMatchObject({
        name: "wait-for-peers",
        image: expect.stringMatching(/^docker\.io\/library\/busybox:\d+\.\d+\.\d+$/),
        resources: containerOf(nodes).resources,
      });
    });

    test("the server is a ClusterIP service on port 3000", () => {
      expect(fade.find("Service", "fade").spec).toEqual({
        type: "ClusterIP",
        selector: labelsOf("server"),
        ports: [{ name: "http", port: 3000, targetPort: "http" }],
      });
      expect(containerOf(server).ports).toEqual([{ name: "http", containerPort: 3000 }]);
    });

    test("nodes have the stated resources", () => {
      expect(containerOf(nodes).resources).toEqual({
        requests: { cpu: "100m", memory: "128Mi", "ephemeral-storage": "256Mi" },
        limits: { cpu: "200m", memory: "256Mi", "ephemeral-storage": "512Mi" },
      });
    });

    test("nodes have ephemeral storage only", () => {
      expect(nodes.spec.volumeClaimTemplates).toBeUndefined();
      expect(nodes.spec.template.spec.volumes).toEqual([
        { name: "ephemeral", emptyDir: { sizeLimit: "256Mi" } },
      ]);
      expect(fade.ofKind("PersistentVolumeClaim")).toEqual([]);
    });

    test("probes ask /health of server and nodes", () => {
      for (const workload of [server, nodes]) {
        expect(containerOf(workload)).toMatchObject({
          startupProbe: HEALTH,
          livenessProbe: HEALTH,
          readinessProbe: HEALTH,
        });
      }
    });

    test("the ingress leads the environment's host to the server", () => {
      expect(fade.find("Ingress", "fade")).toMatchObject({
        metadata: {
          annotations: {
            "cert-manager.io/cluster-issuer": `letsencrypt-${environment}`,
            "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
          },
        },
        spec: {
          ingressClassName: "traefik",
          rules: [
            {
              host: HOSTS[environment],
              http: {
                paths: [
                  {
                    path: "/",
                    pathType: "Prefix",
                    backend: { service: { name: "fade", port: { name: "http" } } },
                  },
                ],
              },
            },
          ],
          tls: [{ secretName: "fade-tls", hosts: [HOSTS[environment]] }],
        },
      });
    });

    test("only the ingress controller reaches the server, which reaches the nodes", () => {
      const { spec } = fade.find("NetworkPolicy", "fade");
      expect(spec.podSelector.matchLabels).toEqual(labelsOf("server"));
      expect(spec.ingress).toEqual([
        {
          from: [{ namespaceSelector: { matchLabels: { "hybrid-gitops/role": "ingress-controller" } } }],
          ports: [{ protocol: "TCP", port: 3000 }],
        },
      ]);
      expect(spec.egress).toEqual([
        {
          to: [{ podSelector: { matchLabels: labelsOf("node") } }],
          ports: [{ protocol: "TCP", port: 8080 }],
        },
        TO_DNS,
      ]);
    });

    test("only the server and other nodes reach a node, and gossip stays between nodes", () => {
      const { spec } = fade.find("NetworkPolicy", "repram-node");
      const between = [
        { protocol: "TCP", port: 8080 },
        { protocol: "TCP", port: 9090 },
      ];
      expect(spec.podSelector.matchLabels).toEqual(labelsOf("node"));
      expect(spec.ingress).toEqual([
        {
          from: [{ podSelector: { matchLabels: labelsOf("server") } }],
          ports: [{ protocol: "TCP", port: 8080 }],
        },
        { from: [{ podSelector: { matchLabels: labelsOf("node") } }], ports: between },
      ]);
      expect(spec.egress).toEqual([
        { to: [{ podSelector: { matchLabels: labelsOf("node") } }], ports: between },
        TO_DNS,
      ]);
    });

    test("everything else is denied in its namespace", () => {
      const policies = fade.ofKind("NetworkPolicy").map(({ metadata }) => metadata);
      expect(policies.map((metadata) => metadata?.name).sort()).toEqual([
        "allow-acme-solver",
        "allow-dns",
        "default-deny",
        "fade",
        "repram-node",
      ]);
      for (const metadata of policies) expect(metadata?.namespace).toBe("fade");
    });

    test("pods obey the restricted standard and write to nothing but their volume", () => {
      expect(fade.find("Namespace", "fade").metadata?.labels).toMatchObject({
        "pod-security.kubernetes.io/enforce": "restricted",
      });
      for (const { spec } of [server, nodes]) {
        const pod = spec.template.spec;
        expect(pod).toMatchObject({
          automountServiceAccountToken: false,
          securityContext: {
            runAsNonRoot: true,
            runAsUser: 1000,
            seccompProfile: { type: "RuntimeDefault" },
          },
        });
        for (const container of [...pod.containers, ...(pod.initContainers ?? [])]) {
          expect(container.securityContext).toEqual({
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { drop: ["ALL"] },
          });
        }
        expect(pod.containers[0].volumeMounts).toMatchObject([{ mountPath: "/tmp" }]);
      }
    });

    test("one node at a time is evicted, and nodes are spread over machines", () => {
      const budgets = fade.ofKind("PodDisruptionBudget");
      expect(budgets.map(({ metadata }) => metadata?.name)).toEqual(["repram-node"]);
      expect(budgets[0]?.spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: labelsOf("node") },
      });
      expect(nodes.spec.template.spec.topologySpreadConstraints).toMatchObject([
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: labelsOf("node") } },
      ]);
    });

    test("the release takes the chart from this repository", () => {
      const { spec, apiVersion } = fade.find("HelmRelease", "fade");
      expect(apiVersion).toBe("helm.toolkit.fluxcd.io/v2");
      expect(spec).toMatchObject({ interval: "1h", releaseName: "fade", targetNamespace: "fade" });
      expect(spec.chart.spec).toEqual({
        chart: "./helm/fade",
        interval: "5m",
        reconcileStrategy: "Revision",
        sourceRef: { kind: "GitRepository", name: "flux-system" },
      });
    });

    test("the release reads the dynamic configuration and states no size of a node over it", () => {
      const { values, valuesFrom } = fade.find("HelmRelease", "fade").spec;
      expect(valuesFrom).toEqual([
        { kind: "ConfigMap", name: "infrastructure-config", valuesKey: "values.yaml" },
      ]);
      expect(values).toEqual({
        fade: {
          image: { repository: "docker.io/ticktockbent/fade-server", tag: VERSION },
          replicaCount: 1,
          service: { type: "ClusterIP", port: 3000 },
        },
        nodes: {
          image: { repository: "docker.io/ticktockbent/repram-cluster-node", tag: VERSION },
          persistence: { enabled: false },
        },
        ingress: expect.anything(),
      });
    });

    test("images can be updated by Flux once the option is on", async () => {
      const kustomization = fluxKustomizations(environment).find(({ name }) => name === "fade");
      if (!kustomization) throw new Error(`no Flux Kustomization fade in ${environment}`);
      const { spec } = kustomization.manifest;
      const components = ["../../../components/image-automation"];
      const text = await buildFolder(tree, {
        ...kustomization,
        manifest: { ...kustomization.manifest, spec: { ...spec, components } },
      });
      const objects = parseManifests(substitute(text, producedVariables(environment)), environment);
      const ofKind = (kind: string): Manifest[] => objects.filter((object) => object.kind === kind);

      expect(
        ofKind("ImageRepository").map(({ apiVersion, metadata, spec: { image } }) => [
          apiVersion,
          metadata?.name,
          image,
        ]),
      ).toEqual([
        ["image.toolkit.fluxcd.io/v1", "fade-server", "docker.io/ticktockbent/fade-server"],
        ["image.toolkit.fluxcd.io/v1", "repram-cluster-node", "docker.io/ticktockbent/repram-cluster-node"],
      ]);
      const [automation] = ofKind("ImageUpdateAutomation");
      expect(automation?.apiVersion).toBe("image.toolkit.fluxcd.io/v1");
      expect(automation?.spec.sourceRef).toEqual({ kind: "GitRepository", name: "image-automation" });
      expect(ofKind("GitRepository").map(({ metadata }) => metadata?.name)).toEqual(["image-automation"]);

      // Every tag in the folder that the automation changes is marked with a policy that exists.
      const policies = ofKind("ImagePolicy").map(
        ({ metadata }) => `${metadata?.namespace}:${metadata?.name}:tag`,
      );
      const markers = textOf(path.join(automation?.spec.update.path, "images.yaml"))
        .split("\n")
        .filter((line) => /^\s*tag:/.test(line))
        .map((line) => JSON.parse(line.slice(line.indexOf("#") + 1)).$imagepolicy);
      expect(markers).toEqual(policies);
      for (const policy of ofKind("ImagePolicy")) {
        expect(automation?.spec.policySelector.matchLabels).toEqual({
          "app.kubernetes.io/name": policy.metadata?.labels?.["app.kubernetes.io/name"],
        });
        const pattern = new RegExp(policy.spec.filterTags.pattern);
        expect(["v1.0.0", "latest", "0".repeat(40)].filter((tag) => pattern.test(tag))).toEqual(["v1.0.0"]);
        expect(ofKind("ImageRepository").map(({ metadata }) => metadata?.name)).toContain(
          policy.spec.imageRepositoryRef.name,
        );
      }
    });

    test("nothing of the option is there before it is on", async () => {
      expect((await rendered(environment)).ofKind("ImageUpdateAutomation")).toEqual([]);
    });
  });

  test("the chart has the listed templates", () => {
    for (const template of [
      "Chart.yaml",
      "values.yaml",
      "templates/deployment-fade.yaml",
      "templates/statefulset-nodes.yaml",
      "templates/service-fade.yaml",
      "templates/service-nodes.yaml",
      "templates/configmap.yaml",
      "templates/ingress.yaml",
    ]) {
      expect([template, exists(`helm/fade/${template}`)]).toEqual([template, true]);
    }
  });

  test("both environments differ in host, issuer and image tags only", () => {
    const [staging, production] = ENVIRONMENTS.map((environment) =>
      parseManifests(build(`flux/apps/fade/${environment}`), environment).map((object) =>
        object.kind === "HelmRelease"
          ? { ...object, spec: { ...object.spec, values: neutral(object) } }
          : object,
      ),
    );
    expect(staging).toEqual(production);
  });
});

/** A release's values without what an environment may have of its own. */
function neutral({ spec: { values } }: Manifest): unknown {
  return {
    ...values,
    fade: { ...values.fade, image: values.fade.image.repository },
    nodes: { ...values.nodes, image: values.nodes.image.repository },
    ingress: { ...values.ingress, host: "", annotations: Object.keys(values.ingress.annotations) },
  };
}
