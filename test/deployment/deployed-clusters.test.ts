import { deployedCluster } from "../../src/deployment/deployed-clusters";
import type { StateDocument } from "../../src/terraform";

const managed = (type: string, attributes: Record<string, unknown>, more: object = {}) => ({
  mode: "managed" as const,
  type,
  name: "x",
  instances: [{ attributes, ...more }],
});
const cluster = { region: "nyc3", version: "1.34.1-do.2" };

test("it is what the resources in the state say, not what the outputs do: a failed apply has moved those already", () => {
  const state: StateDocument = {
    outputs: { region: { value: "fra1" } },
    resources: [
      managed("digitalocean_kubernetes_cluster", cluster),
      managed("digitalocean_vpc", { ip_range: "10.20.0.0/16" }),
      managed("digitalocean_domain", { name: "acme.example" }),
    ],
  };
  expect(deployedCluster(state)).toEqual({ ...cluster, vpcIpRange: "10.20.0.0/16", domain: "acme.example" });
});

test.each<[string, StateDocument]>([
  ["nothing was deployed", {}],
  [
    "it was left half made",
    { resources: [managed("digitalocean_kubernetes_cluster", cluster, { status: "tainted" })] },
  ],
  [
    "it waits to be deleted",
    { resources: [managed("digitalocean_kubernetes_cluster", cluster, { deposed: "0" })] },
  ],
  [
    "only a data source has it",
    { resources: [{ ...managed("digitalocean_kubernetes_cluster", cluster), mode: "data" }] },
  ],
])("%s: there is nothing to compare with", (_, state) => {
  expect(Object.values(deployedCluster(state)).filter((value) => value !== undefined)).toEqual([]);
});
