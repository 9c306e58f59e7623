import { generateKeyPairSync, randomBytes } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { clusterProgram } from "../../../scripts/tools/cluster-program";
import { KubernetesApi } from "./kubernetes-api";
import { freePorts, type Processes } from "./processes";

/** A real Kubernetes API without nodes: etcd and kube-apiserver on loopback. There is no controller-manager. */
export interface ControlPlane {
  readonly api: KubernetesApi;
  readonly kubeconfig: string;
  /** Starts the API server again after it was stopped or killed: same port, same data. */
  startApiServer(): Promise<void>;
}

/** Starts etcd and kube-apiserver with their data in a folder of their own. */
export async function startControlPlane(processes: Processes, directory: string): Promise<ControlPlane> {
  mkdirSync(directory, { recursive: true });
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await freePorts(3);
  const etcd = `http://127.0.0.1:${etcdPort}`;
  await processes.start("etcd", {
    program: clusterProgram("etcd"),
    parameters: [
      `--data-dir=${path.join(directory, "etcd")}`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-advertise-peer-urls=http://127.0.0.1:${peerPort}`,
      `--initial-cluster=default=http://127.0.0.1:${peerPort}`,
      // The data is thrown away after the tests.
      "--unsafe-no-fsync",
      "--log-level=warn",
    ],
    isReady: async () => (await fetch(`${etcd}/health`)).ok,
  });

  const token = randomBytes(16).toString("hex");
  const tokens = path.join(directory, "tokens.csv");
  writeFileSync(tokens, `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
  const serviceAccountKey = path.join(directory, "service-account.key");
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  writeFileSync(serviceAccountKey, privateKey.export({ type: "pkcs1", format: "pem" }), { mode: 0o600 });
  const certificates = path.join(directory, "certificates");
  const certificate = path.join(certificates, "apiserver.crt");
  const url = `https://127.0.0.1:${apiPort}`;
  let api: KubernetesApi | undefined;
  const client = (): KubernetesApi => {
    api ??= new KubernetesApi(url, token, readFileSync(certificate, "utf8"));
    return api;
  };
  const startApiServer = (): Promise<void> =>
    processes.start("kube-apiserver", {
      program: clusterProgram("kube-apiserver"),
      parameters: [
        `--etcd-servers=${etcd}`,
        "--bind-address=127.0.0.1",
        "--advertise-address=127.0.0.1",
        `--secure-port=${apiPort}`,
        `--cert-dir=${certificates}`,
        "--service-cluster-ip-range=10.96.0.0/24",
        "--endpoint-reconciler-type=none",
        `--token-auth-file=${tokens}`,
        "--authorization-mode=RBAC",
        `--service-account-issuer=${url}`,
        `--service-account-key-file=${serviceAccountKey}`,
        `--service-account-signing-key-file=${serviceAccountKey}`,
        "--disable-admission-plugins=ServiceAccount",
        "--allow-privileged=true",
      ],
      isReady: async () => {
        if (!existsSync(certificate)) return false;
        await client().call("GET", "readyz");
        return true;
      },
    });
  await startApiServer();

  const kubeconfig = path.join(directory, "kubeconfig");
  const cluster = { server: url, "certificate-authority-data": readFileSync(certificate).toString("base64") };
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      apiVersion: "v1",
      kind: "Config",
      clusters: [{ name: "local", cluster }],
      users: [{ name: "admin", user: { token } }],
      contexts: [{ name: "local", context: { cluster: "local", user: "admin" } }],
      "current-context": "local",
    }),
    { mode: 0o600 },
  );
  return { api: client(), kubeconfig, startApiServer };
}
