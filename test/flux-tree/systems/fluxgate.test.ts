import { spawnSync } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { fluxgateSecrets } from "../../../src/secrets/applications/fluxgate";
import { build, describeWithKubectl } from "../kubectl";
import { RenderedEnvironment, rendered } from "../rendered-environment";
import { type Manifest, parseManifests, REPOSITORY } from "../tree";

/** What the document states for each overlay. */
const OVERLAYS = [
  {
    environment: "production",
    prefix: "prod-",
    replicas: 3,
    resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { cpu: "1000m", memory: "1Gi" } },
    instances: 2,
  },
  {
    environment: "staging",
    prefix: "staging-",
    replicas: 3,
    resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
    instances: 1,
  },
] as const;

const CLUSTER = {
  enabled: true,
  listen_addr: "0.0.0.0:6000",
  reconnect_delay_ms: 2000,
  discovery: { heartbeat_interval_secs: 30, stale_threshold_secs: 90, cleanup_interval_secs: 60 },
};

/** Values of the secrets that the init containers read. */
const SECRETS: Readonly<Record<string, string>> = {
  JWT_SECRET: "secret-of-the-test",
  CLIENT_ID: "0b9e6f0c-5f3e-4c5e-8f7a-2f4b1c9d8e7a",
  CLIENT_SECRET: 'with "quotes" and \\backslashes\\',
};

describeWithKubectl("fluxgate", () => {
  describe.each(OVERLAYS)("in $environment", ({ environment, prefix, replicas, resources, instances }) => {
    let system: RenderedEnvironment;
    let backend: Manifest;
    let edge: Manifest;
    beforeAll(async () => {
      system = (await rendered(environment)).system("fluxgate");
      backend = system.find("Deployment", `${prefix}fluxgate-backend`);
      edge = system.find("Deployment", `${prefix}fluxgate-edge`);
    });

    test("has the environment's prefix before every name of the application, in the namespace fluxgate", () => {
      const application = system.objects.filter(
        ({ kind, metadata }) =>
          !(kind === "Namespace" || kind === "Secret") &&
          !["default-deny", "allow-dns"].includes(metadata?.name ?? ""),
      );

      expect(application.length).toBeGreaterThan(10);
      for (const { metadata } of application) {
        expect(metadata?.name.startsWith(`${prefix}fluxgate-`)).toBe(true);
        expect(metadata?.namespace).toBe("fluxgate");
      }
    });

    test("runs three backends with the ports for HTTP and GraphQL, gRPC, and replication", () => {
      expect(backend.spec.replicas).toBe(replicas);
      expect(portsOf(container(backend, "backend"))).toEqual({ http: 8080, grpc: 50051, cluster: 6000 });
      expect(backend.spec.template.metadata.labels).toMatchObject({ app: "fluxgate-backend" });
    });

    test("offers the backend's three ports in its Service", () => {
      const { spec } = system.find("Service", `${prefix}fluxgate-backend`);

      expect(spec.selector).toEqual({ app: "fluxgate-backend" });
      expect(
        spec.ports.map(({ port, targetPort }: { port: number; targetPort: string }) => [port, targetPort]),
      ).toEqual([
        [8080, "http"],
        [50051, "grpc"],
        [6000, "cluster"],
      ]);
    });

    test("runs one edge server, with a Service", () => {
      expect(edge.spec.replicas).toBe(1);
      expect(system.find("Service", `${prefix}fluxgate-edge`).spec).toMatchObject({
        selector: edge.spec.selector.matchLabels,
        ports: [{ port: 8081, targetPort: "http" }],
      });
    });

    test("starts the backend with a config.toml that switches replication on, with discovery as stated", () => {
      expect(configurationOf(system, backend)).toEqual({
        allowed_origin: "http://localhost:3000",
        http_addr: "0.0.0.0:8080",
        grpc_addr: "0.0.0.0:50051",
        jwt_secret: SECRETS.JWT_SECRET,
        cluster: CLUSTER,
      });
      expect(container(backend, "backend").volumeMounts).toContainEqual({
        name: "configuration",
        mountPath: "/app/config/config.toml",
        subPath: "config.toml",
        readOnly: true,
      });
    });

    test("starts the edge server with a config.toml that has the stated values and its own environment's backend", () => {
      expect(configurationOf(system, edge)).toEqual({
        backend_grpc: `http://${prefix}fluxgate-backend:50051`,
        http_addr: "0.0.0.0:8081",
        client_id: SECRETS.CLIENT_ID,
        client_secret: SECRETS.CLIENT_SECRET,
        grpc: {
          connect_timeout_secs: 5,
          timeout_secs: 10,
          tcp_keepalive_secs: 30,
          http2_keepalive_secs: 20,
          keep_alive_while_idle: true,
          concurrency_limit: 256,
          tcp_nodelay: true,
        },
        flush: { assignment_flush_secs: 10, evaluation_flush_secs: 30 },
        retry: {
          base_delay_ms: 500,
          max_attempts: 3,
          stream_initial_delay_secs: 1,
          stream_max_delay_secs: 30,
        },
      });
    });

    test("keeps the JWT secret and the client's credentials in Secrets, the rendered file in memory", () => {
      expect(environmentOf(initContainer(backend))).toEqual({ JWT_SECRET: "fluxgate-jwt/secret" });
      expect(environmentOf(initContainer(edge))).toEqual({
        BACKEND_SERVICE: `${prefix}fluxgate-backend`,
        CLIENT_ID: "fluxgate-edge-client/id",
        CLIENT_SECRET: "fluxgate-edge-client/secret",
      });
      for (const { spec } of [backend, edge]) {
        expect(spec.template.spec.volumes).toContainEqual({
          name: "configuration",
          emptyDir: { medium: "Memory", sizeLimit: "1Mi" },
        });
      }
      expect(fluxgateSecrets.map(({ namespace, name }) => `${namespace}/${name}`)).toEqual([
        "fluxgate/fluxgate-jwt",
        "fluxgate/fluxgate-edge-client",
      ]);
    });

    test("has a PostgreSQL that is really deployed, whose address the backend takes from the operator's secret", () => {
      const database = system.find("Cluster", `${prefix}fluxgate-db`);

      expect(database.spec).toMatchObject({
        imageName: expect.stringMatching(/^ghcr\.io\/cloudnative-pg\/postgresql:\d/),
        instances,
        bootstrap: { initdb: { database: "fluxgate", owner: "fluxgate" } },
        storage: { storageClass: "do-block-storage", resizeInUseVolumes: true },
      });
      expect(database.spec.enablePDB ?? true).toBe(instances > 1);
      expect(database.metadata?.annotations).toMatchObject({
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
      });
      expect(environmentOf(container(backend, "backend"))).toMatchObject({
        DATABASE_URL: `${prefix}fluxgate-db-app/uri`,
        POD_IP: "status.podIP",
      });
    });

    test("names nothing that is not there: ConfigMaps, Secrets, Services and the database, with the prefix", () => {
      const names = (kind: string) => system.ofKind(kind).map(({ metadata }) => metadata?.name ?? "");
      const secrets = [
        ...fluxgateSecrets.map(({ name }) => name),
        ...names("Cluster").map((name) => `${name}-app`),
      ];
      const used = [backend, edge].flatMap(({ spec }) => {
        const { containers, initContainers, volumes } = spec.template.spec;
        return {
          configMaps: volumes.flatMap((volume: any) => volume.configMap?.name ?? []),
          secrets: [...containers, ...initContainers].flatMap(({ env }: any) =>
            env.flatMap((variable: any) => variable.valueFrom?.secretKeyRef?.name ?? []),
          ),
        };
      });

      expect(names("ConfigMap")).toEqual(
        expect.arrayContaining(used.flatMap(({ configMaps }) => configMaps)),
      );
      expect(secrets).toEqual(expect.arrayContaining(used.flatMap((one) => one.secrets)));
      const selected = JSON.stringify(system.ofKind("NetworkPolicy")).match(/"cnpg\.io\/cluster":"[^"]+"/g);
      expect(new Set(selected)).toEqual(new Set([`"cnpg.io/cluster":"${prefix}fluxgate-db"`]));
      expect(system.ofKind("OperatorSecret")).toEqual([]);
    });

    test("has the overlay's resources", () => {
      expect(container(backend, "backend").resources).toEqual(resources);
      expect(container(edge, "edge").resources).toEqual(resources);
    });

    test("has liveness and readiness probes, that of the edge server on /health", () => {
      const { livenessProbe, readinessProbe } = container(edge, "edge");
      expect(readinessProbe.httpGet).toEqual({ path: "/health", port: "http" });
      expect(livenessProbe.httpGet).toEqual({ path: "/health", port: "http" });
      expect(livenessProbe.periodSeconds * livenessProbe.failureThreshold).toBe(300);

      expect(container(backend, "backend")).toMatchObject({
        readinessProbe: { tcpSocket: { port: "grpc" } },
        livenessProbe: { tcpSocket: { port: "http" } },
      });
    });

    test("pulls an image of an exact version only when it is not there", () => {
      expect(container(backend, "backend")).toMatchObject({
        image: "registry.example.com/fluxgate-backend:v1.0.0",
        imagePullPolicy: "IfNotPresent",
      });
      expect(container(edge, "edge")).toMatchObject({
        image: "registry.example.com/fluxgate-edge:v1.0.0",
        imagePullPolicy: "IfNotPresent",
      });
    });

    test("lets backends replicate among each other, and only the edge server call them by gRPC", () => {
      const [grpc, cluster, http, ...more] = system.find("NetworkPolicy", `${prefix}fluxgate-backend`).spec
        .ingress;
      const from = (app: string) => [{ podSelector: { matchLabels: { app } } }];

      expect(grpc).toEqual({ from: from("fluxgate-edge"), ports: [{ protocol: "TCP", port: 50051 }] });
      expect(cluster).toEqual({ from: from("fluxgate-backend"), ports: [{ protocol: "TCP", port: 6000 }] });
      expect(http.ports).toEqual([{ protocol: "TCP", port: 8080 }]);
      expect(http.from).toEqual([
        { namespaceSelector: { matchLabels: { "hybrid-gitops/role": "ingress-controller" } } },
      ]);
      expect(more).toEqual([]);
      const egress = system.find("NetworkPolicy", `${prefix}fluxgate-backend`).spec.egress;
      expect(egress.map(({ ports }: { ports: Array<{ port: number }> }) => ports[0]?.port)).toEqual([
        5432, 6000,
      ]);
    });

    test("survives the loss of a node: backends are spread, replaced one by one, and evicted one at a time", () => {
      expect(backend.spec.strategy.rollingUpdate).toEqual({ maxSurge: 1, maxUnavailable: 0 });
      expect(backend.spec.template.spec.topologySpreadConstraints).toMatchObject([
        {
          topologyKey: "kubernetes.io/hostname",
          labelSelector: { matchLabels: { app: "fluxgate-backend" } },
        },
      ]);
      expect(system.find("PodDisruptionBudget", `${prefix}fluxgate-backend`).spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: { app: "fluxgate-backend" } },
      });
    });
  });

  describe("in dev", () => {
    let system: RenderedEnvironment;
    let text: string;
    beforeAll(() => {
      text = build("flux/apps/fluxgate/dev");
      system = new RenderedEnvironment([
        { name: "dev", objects: parseManifests(text, "dev"), charts: [] } as never,
      ]);
    });

    test("is taken by kubectl as it is: no variable is left, and the storage class is the cluster's default", () => {
      expect(text).not.toContain("${");
      expect(system.find("Cluster", "dev-fluxgate-db").spec).toMatchObject({
        instances: 1,
        enablePDB: false,
      });
      expect(system.find("Cluster", "dev-fluxgate-db").spec.storage.storageClass).toBeUndefined();
    });

    test("runs one backend with replication off, and one edge server", () => {
      const backend = system.find("Deployment", "dev-fluxgate-backend");

      expect(backend.spec.replicas).toBe(1);
      expect(system.find("Deployment", "dev-fluxgate-edge").spec.replicas).toBe(1);
      expect(configurationOf(system, backend).cluster).toBeUndefined();
    });

    test("gives the edge server the test client, and the backend of its own", () => {
      const edge = system.find("Deployment", "dev-fluxgate-edge");
      const { CLIENT_ID } = environmentOf(initContainer(edge));
      const secret = system.find("Secret", CLIENT_ID?.split("/")[0] ?? "");

      expect(Buffer.from(secret.data.id, "base64").toString()).toBe("a1b2c3d4-0000-4000-8000-000000000001");
      expect(configurationOf(system, edge).backend_grpc).toBe("http://dev-fluxgate-backend:50051");
    });

    test("signs tokens with a secret that is long enough, and stands in dev only", () => {
      const { JWT_SECRET } = environmentOf(initContainer(system.find("Deployment", "dev-fluxgate-backend")));
      const secret = system.find("Secret", JWT_SECRET?.split("/")[0] ?? "").data.secret;

      expect(Buffer.from(secret, "base64").length).toBeGreaterThanOrEqual(32);
      for (const { environment } of OVERLAYS) {
        expect(build(`flux/apps/fluxgate/${environment}`)).not.toContain(secret);
      }
    });
  });

  test("restarts exactly the pods whose configuration changed", () => {
    const folder = mkdtempSync(path.join(tmpdir(), "fluxgate-"));
    try {
      for (const part of ["apps/fluxgate", "components"]) {
        cpSync(path.join(REPOSITORY, "flux", part), path.join(folder, part), { recursive: true });
      }
      const templates = (): string[] =>
        parseManifests(build(path.join(folder, "apps/fluxgate/production")), "production")
          .filter(({ kind }) => kind === "Deployment")
          .map(({ spec }) => JSON.stringify(spec.template));
      const [backend, edge] = templates();

      const file = path.join(folder, "apps/fluxgate/base/edge/config.toml");
      writeFileSync(
        file,
        readFileSync(file, "utf8").replace("assignment_flush_secs = 10", "assignment_flush_secs = 11"),
      );

      const [backendAfter, edgeAfter] = templates();
      expect(edge).toContain("prod-fluxgate-edge-config-");
      expect(edgeAfter).not.toBe(edge);
      expect(backendAfter).toBe(backend);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("fluxgate's render.sh", () => {
  test("writes any text as TOML reads it back", () => {
    const { status, output } = render('a = "@A@"\nb = "x@B@y@A@"\nc = 1 # a@b\n', {
      A: 'q"\\&/$|',
      B: "@A@",
    });

    expect(status).toBe(0);
    expect(parseToml(output)).toEqual({ a: 'q"\\&/$|', b: 'x@A@yq"\\&/$|', c: 1 });
  });

  test("refuses a name without a value, and a value of two lines, and says where", () => {
    expect(render('a = 1\nb = "@MISSING_ONE@"\n', {})).toMatchObject({
      status: 1,
      error: expect.stringMatching(/template:2: no environment variable MISSING_ONE/),
    });
    expect(render('a = "@A@"\n', { A: "1\n2" })).toMatchObject({
      status: 1,
      error: expect.stringMatching(/template:1: the value of A has a control character/),
    });
  });

  test("lets an empty value through, since the cluster must be able to start without a client", () => {
    expect(render('a = "@A@"\n', { A: "" })).toMatchObject({ status: 0, output: 'a = ""\n' });
  });
});

type Fields = any;

function container({ spec }: Manifest, name: string): Fields {
  const found = spec.template.spec.containers.find((one: { name: string }) => one.name === name);
  if (!found) throw new Error(`no container ${name}`);
  return found;
}

function initContainer({ spec }: Manifest): Fields {
  const [only, ...more] = spec.template.spec.initContainers;
  expect(more).toEqual([]);
  return only;
}

function portsOf({ ports }: Fields): Record<string, number> {
  return Object.fromEntries(ports.map(({ name, containerPort }: Fields) => [name, containerPort]));
}

/** Environment variables: their values, `secret/key`, or the field of the pod. */
function environmentOf({ env }: Fields): Record<string, string> {
  return Object.fromEntries(
    env.map(({ name, value, valueFrom }: Fields) => {
      const { secretKeyRef, fieldRef } = valueFrom ?? {};
      return [
        name,
        value ?? (secretKeyRef ? `${secretKeyRef.name}/${secretKeyRef.key}` : fieldRef.fieldPath),
      ];
    }),
  );
}

/** The configuration that a pod starts with: its init container's script, run on its template with its variables. */
function configurationOf(system: RenderedEnvironment, deployment: Manifest): Record<string, unknown> {
  const { volumes } = deployment.spec.template.spec;
  const fileOf = (volume: string, file: string): string => {
    const { configMap } = volumes.find(({ name }: { name: string }) => name === volume);
    return system.find("ConfigMap", configMap.name).data[file];
  };
  const init = initContainer(deployment);
  expect(init.command).toEqual([
    "/bin/sh",
    "/scripts/render.sh",
    "/template/config.toml",
    "/configuration/config.toml",
  ]);
  const values = Object.entries(environmentOf(init)).map(([name, value]) => [name, SECRETS[name] ?? value]);
  const { status, error, output } = render(
    fileOf("template", "config.toml"),
    Object.fromEntries(values),
    fileOf("scripts", "render.sh"),
  );
  expect([status, error]).toEqual([0, ""]);
  return parseToml(output);
}

function render(
  template: string,
  env: Readonly<Record<string, string>>,
  script = readFileSync(path.join(REPOSITORY, "flux/apps/fluxgate/base/configuration/render.sh"), "utf8"),
): { status: number | null; error: string; output: string } {
  const folder = mkdtempSync(path.join(tmpdir(), "render-"));
  try {
    const file = (name: string): string => path.join(folder, name);
    writeFileSync(file("render.sh"), script);
    writeFileSync(file("template"), template);
    const { status, stderr } = spawnSync("/bin/sh", [file("render.sh"), file("template"), file("output")], {
      encoding: "utf8",
      env: { PATH: process.env.PATH, ...env },
    });
    return { status, error: stderr, output: readFileSync(file("output"), "utf8") };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** As much of TOML as these files use: tables, strings, whole numbers, booleans. Strings escape as in JSON. */
function parseToml(text: string): Record<string, unknown> {
  const root: Record<string, unknown> = {};
  let table = root;
  for (const line of text.split("\n")) {
    const header = /^\[([\w.]+)\]$/.exec(line)?.[1];
    const [, key, value] = /^(\w+) = ("(?:[^"\\]|\\.)*"|\d+|true|false)(?: #.*)?$/.exec(line) ?? [];
    if (header) {
      table = header.split(".").reduce<Record<string, unknown>>((outer, name) => {
        outer[name] ??= {};
        return outer[name] as Record<string, unknown>;
      }, root);
    } else if (key && value) table[key] = JSON.parse(value);
    else if (line !== "" && !line.startsWith("#")) throw new Error(`not TOML: ${line}`);
  }
  return root;
}
