import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import { text, type Values } from "../../protocol/values";
import { timestamp } from "../computed";

/** How long a kubeconfig is good for by default: DigitalOcean's tokens live seven days. */
const DEFAULT_LIFETIME_SECONDS = 7 * 24 * 3600;
const TOKEN = /^dop_v1_([0-9a-f]{8})([0-9a-f]{56})$/;
const MILLISECONDS = 1000;

/** The address of a cluster's API; its host is how the kubernetes stand-in knows the cluster. */
export const endpointOf = (clusterId: string): string => `https://${clusterId}.k8s.ondigitalocean.com`;

function sign(key: string, expiry: string): string {
  return createHmac("sha256", key).update(expiry).digest("hex").slice(0, 56);
}

function token(key: string, expiresAt: Date): string {
  const expiry = Math.floor(expiresAt.getTime() / MILLISECONDS)
    .toString(16)
    .padStart(8, "0");
  return `dop_v1_${expiry}${sign(key, expiry)}`;
}

/** Whether a token was issued for the cluster with this key and is not yet expired. */
export function tokenIsValid(key: string, candidate: string, now = new Date()): boolean {
  const match = TOKEN.exec(candidate);
  if (!match?.[1] || !match[2]) return false;
  return (
    Number.parseInt(match[1], 16) * MILLISECONDS > now.getTime() &&
    timingSafeEqual(Buffer.from(match[2]), Buffer.from(sign(key, match[1])))
  );
}

/** The cluster's certificate authority in PEM form: recognizable, but no certificate that could be used. */
export function certificateAuthority(clusterId: string): string {
  const body = createHash("sha512").update(`certificate authority of ${clusterId}`).digest("base64");
  return `-----BEGIN CERTIFICATE-----\n${body.match(/.{1,64}/g)?.join("\n")}\n-----END CERTIFICATE-----\n`;
}

/** How a kubeconfig reaches a cluster. */
interface KubeconfigParts {
  /** Such as `do-nyc3-my-startup-staging`. */
  readonly name: string;
  readonly server: string;
  /** Certificate authority in base64; left out when the system knows it. */
  readonly authority?: string;
  readonly token: string;
}

/** The name that DigitalOcean gives the context of a cluster. */
export const contextName = (cluster: Values): string => `do-${text(cluster.region)}-${text(cluster.name)}`;

/** A kubeconfig with one cluster, one user and one context, as DigitalOcean writes it. */
export function kubeconfigText({ name, server, authority, token: secret }: KubeconfigParts): string {
  return [
    "apiVersion: v1",
    "kind: Config",
    "clusters:",
    `- name: ${name}`,
    "  cluster:",
    ...(authority === undefined ? [] : [`    certificate-authority-data: ${authority}`]),
    `    server: ${server}`,
    "contexts:",
    `- name: ${name}`,
    "  context:",
    `    cluster: ${name}`,
    `    user: ${name}-admin`,
    `current-context: ${name}`,
    "users:",
    `- name: ${name}-admin`,
    "  user:",
    `    token: ${secret}`,
    "",
  ].join("\n");
}

/** A new token of a cluster, with the time at which it expires. Without a lifetime it is good for seven days. */
export function issueToken(
  clusterId: string,
  cluster: Values,
  lifetimeSeconds: number | null,
): { readonly token: string; readonly expiresAt: Date } {
  const expiresAt = new Date(Date.now() + (lifetimeSeconds || DEFAULT_LIFETIME_SECONDS) * MILLISECONDS);
  return { token: token(text(cluster.credentials_key) ?? clusterId, expiresAt), expiresAt };
}

/** A fresh `kube_config` element of a cluster. */
export function kubeConfig(clusterId: string, cluster: Values, lifetimeSeconds: number | null): Values {
  const { token: secret, expiresAt } = issueToken(clusterId, cluster, lifetimeSeconds);
  const authority = Buffer.from(certificateAuthority(clusterId)).toString("base64");
  return {
    host: endpointOf(clusterId),
    token: secret,
    cluster_ca_certificate: authority,
    client_certificate: "",
    client_key: "",
    expires_at: timestamp(expiresAt),
    raw_config: kubeconfigText({
      name: contextName(cluster),
      server: endpointOf(clusterId),
      authority,
      token: secret,
    }),
  };
}
