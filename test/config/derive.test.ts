import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { EXAMPLE_FILE, type Project, parseProject } from "../../src/config";

const exampleText = readFileSync(join(__dirname, "..", "..", EXAMPLE_FILE), "utf8");
const [staging, production] = parseProject(exampleText).environments;
if (!staging || !production) throw new Error("the example has staging and production");

const same = (cpu: string, memory: string) => ({ requests: { cpu, memory }, limits: { cpu, memory } });

/** The example with one change. */
function changed(change: (document: Record<string, any>) => unknown): Project {
  const document = JSON.parse(exampleText);
  change(document);
  return parseProject(JSON.stringify(document));
}

test("production of the example has the values of the workflow document", () => {
  const { small, medium, large } = production.resourceProfiles;
  expect({ small, medium, large }).toStrictEqual({
    small: same("500m", "512Mi"),
    medium: same("1000m", "1Gi"),
    large: same("2000m", "2Gi"),
  });
  expect(production.storage).toStrictEqual({
    fast: { storageClass: "do-block-storage", size: "10Gi" },
    bulk: { storageClass: "do-block-storage", size: "100Gi" },
  });
  expect(production.cluster).toMatchObject({
    name: "my-startup-production",
    region: "nyc3",
    nodeCount: 3,
    haControlPlane: true,
  });
  expect(production.domain).toBe("example.com");
});

test("half the node is half the profiles and half the storage", () => {
  const { small, medium, large } = staging.resourceProfiles;
  expect({ small, medium, large }).toStrictEqual({
    small: same("250m", "256Mi"),
    medium: same("500m", "512Mi"),
    large: same("1000m", "1Gi"),
  });
  expect(staging.storage.fast.size).toBe("5Gi");
  expect(staging.storage.bulk.size).toBe("50Gi");
});

test("CPU follows the vCPUs, memory and storage follow the memory", () => {
  const project = changed((document) => {
    document.environments[0].cluster.nodeSize = "m-2vcpu-16gb";
  });
  expect(project.environments[0]?.resourceProfiles.medium).toStrictEqual(same("500m", "2Gi"));
  expect(project.environments[0]?.storage.bulk.size).toBe("200Gi");
});

test("applications take the project's entry, an environment's entry before it, and defaults without either", () => {
  const project = changed((document) => {
    document.environments[0].applications = { mattermost: { profile: "small" } };
    delete document.applications.nextcloud;
  });
  const [first, second] = project.environments;
  expect(first?.applications.mattermost).toMatchObject({
    profile: "small",
    storage: { class: "fast" },
    replicas: 1,
  });
  expect(second?.applications.mattermost).toMatchObject({
    profile: "medium",
    resources: same("1000m", "1Gi"),
  });
  expect(first?.applications.nextcloud).toMatchObject({
    profile: "small",
    storage: { class: "bulk", size: "50Gi" },
  });
  expect(second?.applications.nextcloud).toMatchObject({
    profile: "large",
    storage: { class: "bulk", size: "100Gi" },
  });
});

test("an application has the sizes that its document states for the environment", () => {
  const stated = { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "1Gi" } };
  expect(production.applications.traversion).toStrictEqual({
    resources: stated,
    storage: { class: "bulk", storageClass: "do-block-storage", size: "200Gi" },
    replicas: 5,
    maxReplicas: 50,
  });
  expect(staging.applications.traversion).toMatchObject({ replicas: 3, storage: { size: "50Gi" } });
  expect(production.applications.fluxgate).toMatchObject({
    resources: { requests: { memory: "512Mi" }, limits: { memory: "1Gi" } },
    replicas: 3,
  });
  expect(staging.applications.fluxgate?.resources).toMatchObject({
    requests: { memory: "256Mi" },
    limits: { memory: "512Mi" },
  });
});

test("an entry of the configuration replaces what the document states, field by field", () => {
  const project = changed((document) => {
    document.applications.traversion = { profile: "large" };
    document.applications.chatbox = { replicas: 12 };
    document.environments[1].applications = { traversion: { storage: "bulk", maxReplicas: 20 } };
  });
  const [inStaging, inProduction] = project.environments.map(({ applications }) => applications);
  expect(inProduction?.traversion).toStrictEqual({
    profile: "large",
    resources: same("2000m", "2Gi"),
    storage: { class: "bulk", storageClass: "do-block-storage", size: "100Gi" },
    replicas: 5,
    maxReplicas: 20,
  });
  // Never fewer at most than at least.
  expect(inStaging?.chatbox).toMatchObject({ replicas: 12, maxReplicas: 12 });
});

test("the registry of own images follows from the GitHub owner, else from the domain", () => {
  expect(parseProject(exampleText).registry).toBe("ghcr.io/my-github-user");
  expect(changed((document) => delete document.github).registry).toBe("registry.example.com");
  expect(
    changed((document) => {
      document.project.registry = "r.acme.io:5000/a";
    }).registry,
  ).toBe("r.acme.io:5000/a");
});

test("an environment's own storage and profiles replace the derived ones", () => {
  const project = changed((document) => {
    document.environments[0].storage = { bulk: { size: "200Gi" } };
    document.environments[0].resourceProfiles = { small: { cpu: "100m", memory: "128Mi" } };
  });
  expect(project.environments[0]?.storage).toStrictEqual({
    fast: { storageClass: "do-block-storage", size: "5Gi" },
    bulk: { storageClass: "do-block-storage", size: "200Gi" },
  });
  expect(project.environments[0]?.resourceProfiles.small).toStrictEqual(same("100m", "128Mi"));
  expect(project.environments[1]?.resourceProfiles.small).toStrictEqual(same("500m", "512Mi"));
});

test("devices of a custom profile are quantities of the API: strings", () => {
  expect(production.resourceProfiles.gpu?.limits).toStrictEqual({
    cpu: "4000m",
    memory: "8Gi",
    "nvidia.com/gpu": "1",
  });
});

test("names and domains follow from the project", () => {
  const project = changed((document) => {
    document.project = { name: "acme", domain: "acme.dev", email: "ops@acme.dev" };
    for (const environment of document.environments) delete environment.domain;
  });
  expect(project.environments.map(({ domain, cluster }) => [domain, cluster.name])).toEqual([
    ["staging.acme.dev", "acme-staging"],
    ["acme.dev", "acme-production"],
  ]);
});

test("the ingress follows the cluster: two of everything with a highly available control plane, and more for many nodes", () => {
  expect(staging.networking).toStrictEqual({
    ingressClass: "traefik",
    ingressReplicas: 1,
    loadBalancerSizeUnit: 1,
  });
  expect(production.networking).toStrictEqual({
    ingressClass: "traefik",
    ingressReplicas: 2,
    loadBalancerSizeUnit: 2,
  });
  const many = changed((document) => {
    document.environments[1].cluster.maxNodes = 45;
  });
  expect(many.environments[1]?.networking.loadBalancerSizeUnit).toBe(5);
});

const VALID = join(__dirname, "valid");
test.each(readdirSync(VALID))("%s is accepted", (file) => {
  const project = parseProject(readFileSync(join(VALID, file), "utf8"));
  expect(project.environments.length).toBeGreaterThan(0);
});
