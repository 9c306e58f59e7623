import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { renderKustomization } from "../../../src/flux-tree";
import { chatboxSecrets } from "../../../src/secrets/applications/chatbox";
import { describeWithKubectl } from "../kubectl";
import { exampleEnvironment } from "../produced-names";
import { RenderedEnvironment, rendered } from "../rendered-environment";
import { fluxKustomizations, type Manifest, tree } from "../tree";

const ENVIRONMENTS = [
  {
    environment: "production",
    host: "chatbox.example.com",
    cluster: "my-startup-production",
    size: "10Gi",
    database: { cpu: "500m", memory: "1Gi" },
  },
  {
    environment: "staging",
    host: "chatbox.staging.example.com",
    cluster: "my-startup-staging",
    size: "5Gi",
    database: { cpu: "250m", memory: "512Mi" },
  },
] as const;

const THREE_HOURS = 10800;

describeWithKubectl("chatbox", () => {
  describe.each(ENVIRONMENTS)("in $environment", ({ environment, host, cluster, size, database }) => {
    let system: RenderedEnvironment;
    let deployment: Manifest;
    let pod: Fields;
    let server: Fields;
    let config: Record<string, string>;
    beforeAll(async () => {
      system = (await rendered(environment)).system("chatbox");
      deployment = system.find("Deployment", "chatbox");
      pod = deployment.spec.template.spec;
      server = pod.containers[0];
      config = system.find("ConfigMap", server.envFrom[0].configMapRef.name).data;
    });

    test("is rolled without a pod too few", () => {
      expect(deployment.spec.strategy).toEqual({
        type: "RollingUpdate",
        rollingUpdate: { maxSurge: 1, maxUnavailable: 0 },
      });
    });

    test("runs 3 to 10 pods by CPU and memory, whose number is the autoscaler's alone", () => {
      expect(deployment.spec.replicas).toBeUndefined();
      expect(system.find("HorizontalPodAutoscaler", "chatbox").spec).toMatchObject({
        scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: "chatbox" },
        minReplicas: 3,
        maxReplicas: 10,
        metrics: [
          { resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 70 } } },
          { resource: { name: "memory", target: { type: "Utilization", averageUtilization: 80 } } },
        ],
      });
    });

    test("has the stated resources: 250m to 1000m CPU, 256Mi to 1Gi memory", () => {
      expect(server.resources).toEqual({
        requests: { cpu: "250m", memory: "256Mi" },
        limits: { cpu: "1000m", memory: "1Gi" },
      });
    });

    test("runs without root, capabilities and a writable file system", () => {
      expect(pod.securityContext).toMatchObject({ runAsNonRoot: true, runAsUser: 1000 });
      for (const one of [...pod.initContainers, ...pod.containers]) {
        expect(one.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] },
        });
      }
      expect(pod.automountServiceAccountToken).toBe(false);
    });

    test("writes logs and temporary files to volumes of the pod", () => {
      expect(server.volumeMounts.map(({ name, mountPath }: Fields) => [name, mountPath])).toEqual([
        ["logs", "/app/logs"],
        ["temporary-files", "/app/temp"],
        ["temporary-files", "/tmp"],
      ]);
      expect(pod.volumes.map(({ name, emptyDir }: Fields) => [name, typeof emptyDir])).toEqual([
        ["logs", "object"],
        ["temporary-files", "object"],
      ]);
      expect(config.LOG_DIR).toBe("/app/logs");
      expect(config.UPLOAD_TMP_PATH).toMatch(/^\/app\/temp\//);
    });

    test("waits for MongoDB in an init container", () => {
      const [wait, ...more] = pod.initContainers;
      const [port] = system.find("Service", "mongodb").spec.ports;

      expect(more).toEqual([]);
      expect(wait.command.at(-1)).toContain(`nc -z -w 2 mongodb ${port.port};`);
      expect(untilReady(wait.command.at(-1))).toEqual(["no", "no", "yes"]);
    });

    test("has probes on /chat/healthz and /chat/readyz, and 60 seconds to start", () => {
      const { startupProbe, livenessProbe, readinessProbe } = server;

      expect(livenessProbe.httpGet).toEqual({ path: "/chat/healthz", port: "http" });
      expect(readinessProbe.httpGet).toEqual({ path: "/chat/readyz", port: "http" });
      expect(startupProbe.httpGet).toEqual({ path: "/chat/healthz", port: "http" });
      expect(startupProbe.periodSeconds * startupProbe.failureThreshold).toBe(60);
      expect(config.CHATBOX_PATH_PREFIX).toBe("/chat");
      expect(server.ports).toEqual([{ name: "http", containerPort: Number(config.SERVER_PORT) }]);
    });

    test("ends within 30 seconds, of which its own shutdown has what preStop leaves", () => {
      const seconds =
        server.lifecycle.preStop.sleep.seconds + Number.parseInt(config.SHUTDOWN_TIMEOUT ?? "", 10);

      expect(pod.terminationGracePeriodSeconds).toBe(30);
      expect(server.lifecycle.preStop.sleep.seconds).toBeGreaterThanOrEqual(5);
      expect(seconds).toBeLessThan(30);
    });

    test("is an internal Service that leads a client to the same pod for 3 hours, as long as sessions are kept", () => {
      expect(system.find("Service", "chatbox").spec).toMatchObject({
        type: "ClusterIP",
        sessionAffinity: "ClientIP",
        sessionAffinityConfig: { clientIP: { timeoutSeconds: THREE_HOURS } },
        selector: { app: "chatbox" },
        ports: [{ port: 80, targetPort: "http" }],
      });
      expect(config.RECONNECT_TIMEOUT).toBe("3h");
    });

    test("is led to by a cookie in traefik, for as long", () => {
      const sticky = "traefik.ingress.kubernetes.io/service.sticky.cookie";

      expect(system.find("Service", "chatbox").metadata?.annotations).toEqual({
        [sticky]: "true",
        [`${sticky}.name`]: "chatbox-affinity",
        [`${sticky}.maxage`]: String(THREE_HOURS),
        [`${sticky}.secure`]: "true",
        [`${sticky}.httponly`]: "true",
        [`${sticky}.samesite`]: "lax",
      });
    });

    test("has an Ingress with the environment's host and TLS by cert-manager", () => {
      const { metadata, spec } = system.find("Ingress", "chatbox");

      expect(spec).toEqual({
        ingressClassName: "traefik",
        tls: [{ secretName: "chatbox-tls", hosts: [host] }],
        rules: [
          {
            host,
            http: {
              paths: [
                {
                  path: "/chat",
                  pathType: "Prefix",
                  backend: { service: { name: "chatbox", port: { name: "http" } } },
                },
              ],
            },
          },
        ],
      });
      expect(metadata?.annotations).toMatchObject({
        "cert-manager.io/cluster-issuer": `letsencrypt-${environment}`,
        "traefik.ingress.kubernetes.io/router.entrypoints": "websecure",
      });
    });

    test("takes 100 requests a second and 10 connections of each client", () => {
      const names = system
        .ofKind("Middleware")
        .map(({ metadata }) => `${metadata?.namespace}-${metadata?.name}`);
      const used = system.find("Ingress", "chatbox").metadata?.annotations?.[
        "traefik.ingress.kubernetes.io/router.middlewares"
      ] as string;

      expect(used.split(",").sort()).toEqual(names.map((name) => `${name}@kubernetescrd`).sort());
      expect(system.find("Middleware", "rate-limit").spec).toEqual({
        rateLimit: { average: 100, period: "1s", burst: 100 },
      });
      expect(system.find("Middleware", "connection-limit").spec).toEqual({
        inFlightReq: { amount: 10, sourceCriterion: { ipStrategy: { depth: 0 } } },
      });
    });

    test("has every group of settings in its ConfigMap", () => {
      expect(config).toMatchObject({
        SERVER_PORT: "8080",
        MAX_CONNECTIONS: "10000",
        WS_READ_BUFFER_SIZE: "1024",
        WS_WRITE_BUFFER_SIZE: "1024",
        WS_PING_PERIOD: "54s",
        WS_PONG_WAIT: "60s",
        WS_ALLOWED_ORIGINS: `https://${host}`,
        MONGO_URI: "mongodb://mongodb:27017/chat",
        MONGO_DATABASE: "chat",
        MONGO_COLLECTION: "sessions",
        S3_REGION: "nyc3",
        S3_BUCKET: `${cluster}-chatbox`,
        S3_ENDPOINT: "nyc3.digitaloceanspaces.com",
        LLM_PROVIDER_1_TYPE: "openai",
        LLM_PROVIDER_2_TYPE: "anthropic",
        LLM_PROVIDER_3_TYPE: "dify",
        ADMIN_EMAILS: "admin@example.com",
        ADMIN_PHONES: "",
        LOG_LEVEL: environment === "production" ? "info" : "debug",
        LOG_STANDARD_OUTPUT: "true",
        ENABLE_FILE_UPLOADS: "true",
        ENABLE_ADMIN_TAKEOVER: "true",
      });
      expect(Object.keys(config).filter((name) => /SECRET|PASS|TOKEN|API_KEY/.test(name))).toEqual([]);
    });

    test("takes its secrets from Secrets, in the order that lets MongoDB's address with credentials count", () => {
      const names = server.envFrom.slice(1).map(({ secretRef }: Fields) => secretRef.name);

      expect(server.envFrom[0].configMapRef.name).toMatch(/^chatbox-config-\w{10}$/);
      expect(names).toEqual([
        "chatbox-keys",
        "mongodb-chatbox",
        "chatbox-s3",
        "chatbox-smtp",
        "chatbox-sms",
        "chatbox-llm",
      ]);
      expect(chatboxSecrets.map(({ name }) => name)).toEqual(
        expect.arrayContaining([...names, "mongodb-root"]),
      );
      expect(server.env).toBeUndefined();
    });

    test("has a MongoDB that is really deployed, asks for passwords, and gives chatbox a user of its own", () => {
      const { spec } = system.find("StatefulSet", "mongodb");
      const [mongodb] = spec.template.spec.containers;

      expect(spec).toMatchObject({ serviceName: "mongodb", replicas: 1 });
      expect(spec.volumeClaimTemplates).toBeUndefined();
      expect(mongodb.image).toMatch(/^mongo:\d+\.\d+\.\d+$/);
      expect(mongodb.resources).toEqual({ requests: database, limits: database });
      expect(spec.template.spec.securityContext).toMatchObject({
        runAsNonRoot: true,
        runAsUser: 999,
        fsGroup: 999,
      });
      const env = Object.fromEntries(
        mongodb.env.map(({ name, valueFrom, value }: Fields) => {
          const { secretKeyRef } = valueFrom ?? {};
          return [name, value ?? `${secretKeyRef.name}/${secretKeyRef.key}`];
        }),
      );
      expect(env).toMatchObject({
        MONGO_INITDB_ROOT_USERNAME: "mongodb-root/username",
        MONGO_INITDB_ROOT_PASSWORD: "mongodb-root/password",
        MONGO_USERNAME: "mongodb-chatbox/MONGO_USERNAME",
        MONGO_PASSWORD: "mongodb-chatbox/MONGO_PASSWORD",
      });
      const script = system.find("ConfigMap", "mongodb-scripts").data["create-user.js"];
      expect(usersMadeBy(script, { MONGO_USERNAME: "chatbox", MONGO_PASSWORD: "p" })).toEqual([
        ["chat", { user: "chatbox", pwd: "p", roles: [{ role: "readWrite", db: "chat" }] }],
      ]);
      expect(() => usersMadeBy(script, {})).toThrow(
        "create-user.js: MONGO_USERNAME or MONGO_PASSWORD is empty",
      );
    });

    test("keeps MongoDB's data in a volume of its own that outlives chatbox", () => {
      const { metadata, spec } = system.find("PersistentVolumeClaim", "mongodb-data");

      expect(spec).toEqual({
        accessModes: ["ReadWriteOnce"],
        storageClassName: "do-block-storage",
        resources: { requests: { storage: size } },
      });
      expect(metadata?.annotations).toMatchObject({ "kustomize.toolkit.fluxcd.io/prune": "disabled" });
      expect(system.find("Namespace", "chatbox").metadata?.annotations).toMatchObject({
        "kustomize.toolkit.fluxcd.io/prune": "disabled",
      });
    });

    test("is reached by the ingress controller only, MongoDB by chatbox only", () => {
      const ingress = system.find("NetworkPolicy", "chatbox").spec.ingress;
      expect(ingress).toEqual([
        {
          from: [{ namespaceSelector: { matchLabels: { "hybrid-gitops/role": "ingress-controller" } } }],
          ports: [{ protocol: "TCP", port: 8080 }],
        },
      ]);
      const mongodb = system.find("NetworkPolicy", "mongodb").spec;
      expect(mongodb.ingress).toEqual([
        {
          from: [{ podSelector: { matchLabels: { app: "chatbox" } } }],
          ports: [{ protocol: "TCP", port: 27017 }],
        },
      ]);
      expect(mongodb.egress ?? []).toEqual([]);
    });

    test("loses one pod at a time when nodes are drained, and is spread over them", () => {
      expect(system.find("PodDisruptionBudget", "chatbox").spec).toMatchObject({
        maxUnavailable: 1,
        selector: { matchLabels: { app: "chatbox" } },
      });
      expect(pod.topologySpreadConstraints).toMatchObject([
        { topologyKey: "kubernetes.io/hostname", labelSelector: { matchLabels: { app: "chatbox" } } },
      ]);
    });

    test("has an Ingress for nginx by the component nginx: cookie, hour-long timeouts, TLS and both limits", async () => {
      const [own] = fluxKustomizations(environment).filter(({ name }) => name === "chatbox");
      if (!own) throw new Error("no Flux Kustomization chatbox");
      const { manifest } = own;
      const withNginx = {
        ...own,
        manifest: { ...manifest, spec: { ...manifest.spec, components: ["../nginx"] } },
      };
      const nginx = new RenderedEnvironment([
        await renderKustomization(tree, exampleEnvironment(environment), withNginx),
      ]);
      const { metadata, spec } = nginx.find("Ingress", "chatbox");
      const key = (name: string) => `nginx.ingress.kubernetes.io/${name}`;

      expect(metadata?.annotations).toMatchObject({
        "cert-manager.io/cluster-issuer": `letsencrypt-${environment}`,
        [key("proxy-read-timeout")]: "3600",
        [key("proxy-send-timeout")]: "3600",
        [key("affinity")]: "cookie",
        [key("session-cookie-name")]: "chatbox-affinity",
        [key("session-cookie-max-age")]: String(THREE_HOURS),
        [key("limit-rps")]: "100",
        [key("limit-connections")]: "10",
      });
      expect(spec.tls).toEqual([{ secretName: "chatbox-tls", hosts: [host] }]);
      expect(JSON.stringify([metadata, nginx.find("Service", "chatbox").metadata])).not.toContain("traefik");
      expect(nginx.ofKind("Middleware")).toEqual([]);
      expect(nginx.find("Service", "chatbox").spec.sessionAffinity).toBe("ClientIP");
    });
  });
});

test("chatbox's secrets are those of the document, random or given by a person, MongoDB's address made of them", () => {
  const values = Object.fromEntries(chatboxSecrets.map(({ name, values: one }) => [name, one]));

  expect(values).toMatchObject({
    "chatbox-keys": {
      JWT_SECRET: { random: "hex", bytes: 32 },
      ENCRYPTION_KEY: { random: "hex", bytes: 16 },
    },
    "chatbox-s3": {
      S3_ACCESS_KEY_ID: { variable: expect.any(String) },
      S3_SECRET_ACCESS_KEY: expect.anything(),
    },
    "chatbox-smtp": {
      SMTP_USER: { variable: expect.any(String) },
      SMTP_PASS: { variable: expect.any(String) },
    },
    "chatbox-sms": { SMS_ACCOUNT_SID: expect.anything(), SMS_AUTH_TOKEN: expect.anything() },
    "chatbox-llm": {
      LLM_PROVIDER_1_API_KEY: { variable: "CHATBOX_OPENAI_API_KEY" },
      LLM_PROVIDER_2_API_KEY: { variable: "CHATBOX_ANTHROPIC_API_KEY" },
      LLM_PROVIDER_3_API_KEY: { variable: "CHATBOX_DIFY_API_KEY" },
    },
    "mongodb-chatbox": {
      MONGO_PASSWORD: { random: "hex", bytes: 32 },
      MONGO_URI: { template: "mongodb://{MONGO_USERNAME}:{MONGO_PASSWORD}@mongodb:27017/chat" },
    },
  });
  expect(
    chatboxSecrets.every(
      ({ namespace, folder }) => namespace === "chatbox" && folder === "flux/apps/chatbox",
    ),
  ).toBe(true);
});

type Fields = any;

/** What `nc` answered until a waiting script ended: a stand-in says no twice. */
function untilReady(script: string): string[] {
  const folder = mkdtempSync(path.join(tmpdir(), "wait-"));
  try {
    const answers = path.join(folder, "answers");
    const programs = {
      nc: `if [ "$(wc -l < "${answers}" 2>/dev/null || echo 0)" -lt 2 ]; then echo no >> "${answers}"; exit 1; fi\necho yes >> "${answers}"`,
      sleep: "",
    };
    for (const [name, text] of Object.entries(programs)) {
      writeFileSync(path.join(folder, name), `#!/bin/sh\n${text}\n`);
      chmodSync(path.join(folder, name), 0o755);
    }
    const { status } = spawnSync("/bin/sh", ["-c", script], {
      env: { PATH: `${folder}:${process.env.PATH}` },
      timeout: 10_000,
    });
    expect(status).toBe(0);
    return readFileSync(answers, "utf8").trim().split("\n");
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The users that a script of MongoDB's shell makes, with their database. */
function usersMadeBy(script: string, env: Readonly<Record<string, string>>): unknown[] {
  const users: unknown[] = [];
  const db = {
    getSiblingDB: (name: string) => ({ createUser: (user: unknown) => users.push([name, user]) }),
  };
  new Function("process", "db", script)({ env }, db);
  return users;
}
