import type { RenderedEnvironment } from "./rendered-environment";

const PRIVATE_RANGES = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"];

const labelsOf = (name: string) => ({
  "app.kubernetes.io/name": name,
  "app.kubernetes.io/instance": name,
});

const fromNamespaces = (role: string) => [
  { namespaceSelector: { matchLabels: { "hybrid-gitops/role": role } } },
];

/**
 * An application that is reached by the ingress controller only, and reaches its database `<name>-db`, HTTPS and mail servers in the
 * internet, and nothing else.
 * @param port on which its pods take requests
 */
export function expectWebTrafficOnly(system: RenderedEnvironment, name: string, port: number): void {
  const policy = system.find("NetworkPolicy", name).spec;

  expect(policy.podSelector.matchLabels).toEqual(labelsOf(name));
  expect(policy.ingress).toEqual([
    { from: fromNamespaces("ingress-controller"), ports: [{ protocol: "TCP", port }] },
  ]);
  const [database, internet, ...more] = policy.egress;
  expect(database).toEqual({
    to: [{ podSelector: { matchLabels: { "cnpg.io/cluster": `${name}-db` } } }],
    ports: [{ protocol: "TCP", port: 5432 }],
  });
  expect(internet.to[0].ipBlock).toEqual({ cidr: "0.0.0.0/0", except: PRIVATE_RANGES });
  expect(internet.ports.map((one: { port: number }) => one.port)).toEqual([443, 465, 587, 2525]);
  expect(more).toEqual([]);
}

/** A database `<name>-db` that is reached by its application, its other instances, the operator and the monitoring, and by nobody else. */
export function expectDatabaseOfItsOwn(system: RenderedEnvironment, name: string): void {
  const [clients, instances, monitoring, ...more] = system.find("NetworkPolicy", `${name}-db`).spec.ingress;

  expect(clients).toEqual({
    from: [{ podSelector: { matchLabels: labelsOf(name) } }],
    ports: [{ protocol: "TCP", port: 5432 }],
  });
  expect(instances.from).toHaveLength(2);
  expect(monitoring).toEqual({
    from: fromNamespaces("monitoring"),
    ports: [{ protocol: "TCP", port: 9187 }],
  });
  expect(more).toEqual([]);
}
