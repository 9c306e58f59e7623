/** DNS labels (RFC 1123): at most 63 characters, lower case, no dash at either end. */
export const DNS_LABEL = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** A host name of at least two labels with a top-level domain that isn't a number, at most 253 characters. */
export function isDomain(text: string): boolean {
  const labels = text.split(".");
  const top = labels.at(-1) ?? "";
  return (
    text.length <= 253 &&
    labels.length >= 2 &&
    labels.every((label) => DNS_LABEL.test(label)) &&
    /^(?:[a-z]{2,}|xn--[a-z0-9-]+)$/.test(top)
  );
}

/**
 * An e-mail address that Let's Encrypt and the YAML of flux/ take as it is: a plain local part (letters, digits and
 * `. _ + -`, at most 64 characters) and a domain. Quoted local parts are legal in RFC 5321 but in no one's mailbox.
 */
export function isEmail(text: string): boolean {
  const at = text.lastIndexOf("@");
  const local = text.slice(0, at);
  return (
    at > 0 &&
    local.length <= 64 &&
    /^[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/.test(local) &&
    isDomain(text.slice(at + 1))
  );
}

/** YAML 1.1 reads these as true and false: as keys of a ConfigMap document they would vanish. */
export const YAML_BOOLEANS = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"] as const;

/** The label on the nodes of a pool, with the pool's name in the configuration: workloads can choose a pool by it. */
export const POOL_LABEL = "hybrid-gitops/pool";

/** The name of the pool that `cluster.nodeSize` and `cluster.nodeCount` describe. */
export const WORKLOAD_POOL = "workload";

/**
 * The pool inside the cluster resource: its size is ForceNew there and would replace the whole cluster, so it is small,
 * never follows the configuration, and carries only what the cluster itself needs (DNS, CNI, storage driver).
 */
export const SYSTEM_POOL = { name: "system", size: "s-2vcpu-4gb", nodeCount: 1 } as const;
