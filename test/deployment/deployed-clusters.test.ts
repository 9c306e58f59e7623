import { deployedCluster } from "../../src/deployment/deployed-clusters";
import { deployedRepository } from "../../src/deployment/followed-repository";
import type { StateDocument } from "../../src/terraform";

const managed = (type: string, attributes: Record<string, unknown>, more: object = {}) => ({
  mode: "managed" as const,
  type,
  name: "x",
  instances: [{ attributes, ...more }],
});
const cluster = { name: "my-startup-staging", region: "nyc3", version: "1.34.1-do.2" };

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

test("the repository is that of the environment, the branch that of the policy, the owner that of the webhook", () => {
  const resources = [
    managed("github_repository_environment", { repository: "platform", environment: "staging" }),
    managed("github_repository_environment_deployment_policy", { branch_pattern: "main" }),
    managed("github_repository_webhook", { url: "https://api.github.com/repos/acme/platform/hooks/7" }),
  ];
  expect(deployedRepository({ resources })).toEqual({
    owner: "acme",
    repository: "platform",
    branch: "main",
  });
  expect(Object.values(deployedRepository({})).filter((value) => value !== undefined)).toEqual([]);
});
