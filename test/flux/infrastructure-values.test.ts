import fc from "fast-check";
import { parse } from "yaml";
import { infrastructureValues, infrastructureVariables, valuesYaml } from "../../src/flux";
import { exampleProject } from "../support/example";

const [staging, production] = exampleProject().environments;
if (!staging || !production) throw new Error("the example has staging and production");

/** The ConfigMap of the original workflow document, value for value; the domain is the example's own. */
const WORKFLOW_DOCUMENT = {
  resourceProfiles: {
    small: { requests: { cpu: "500m", memory: "512Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
    medium: { requests: { cpu: "1000m", memory: "1Gi" }, limits: { cpu: "1000m", memory: "1Gi" } },
    large: { requests: { cpu: "2000m", memory: "2Gi" }, limits: { cpu: "2000m", memory: "2Gi" } },
  },
  storage: {
    fast: { storageClass: "do-block-storage", size: "10Gi" },
    bulk: { storageClass: "do-block-storage", size: "100Gi" },
  },
  cluster: { region: "nyc3", domain: "example.com", nodeCount: 3, haControlPlane: true },
};

test("production's values.yaml is the document of the original workflow", () => {
  expect(parse(valuesYaml(production))).toMatchObject(WORKFLOW_DOCUMENT);
});

test("values.yaml reads back as the values, with numbers and booleans kept", () => {
  for (const environment of [staging, production])
    expect(parse(valuesYaml(environment))).toEqual(infrastructureValues(environment));
});

test("the document is flattened: leaves by their path, objects as one line of JSON", () => {
  expect(infrastructureVariables(production)).toMatchObject({
    quote: '"',
    infraConfig_storage_bulk_size: "100Gi",
    infraConfig_cluster_nodeCount: "3",
    infraConfig_cluster_haControlPlane: "true",
    infraConfig_resourceProfiles_medium:
      '{"requests":{"cpu":"1000m","memory":"1Gi"},"limits":{"cpu":"1000m","memory":"1Gi"}}',
    infraConfig_applications_nextcloud_resources:
      '{"requests":{"cpu":"2000m","memory":"2Gi"},"limits":{"cpu":"2000m","memory":"2Gi"}}',
    infraConfig_applications_nextcloud_storage_size: "100Gi",
    infraConfig_applications_mattermost_replicas: "1",
  });
});

test("two environments have the same names with values of their own", () => {
  const [first, second] = [infrastructureVariables(staging), infrastructureVariables(production)];
  expect(Object.keys(first).sort()).toEqual(Object.keys(second).sort());
  expect(first.infraConfig_storage_bulk_size).toBe("50Gi");
});

/** What kustomize-controller accepts; one bad key in the ConfigMap fails every Kustomization that names it. */
const VARIABLE = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

test("every name is one that Flux takes, and no value has a line break, whatever profiles and applications are called", () => {
  const name = fc
    .stringMatching(/^[a-z][a-z0-9-]{0,8}[a-z0-9]$/)
    .filter((text) => !["no", "on", "off", "yes", "true", "null", "false"].includes(text) && text.length < 6);
  fc.assert(
    fc.property(name, name, (profile, application) => {
      const [environment] = exampleProject((document) => {
        document.resourceProfiles = { [profile]: { cpu: "100m", memory: "64Mi", "nvidia.com/gpu": 1 } };
        document.applications = { [application]: { storage: "fast" } };
      }).environments;
      if (!environment) throw new Error("no environment");
      for (const [key, value] of Object.entries(infrastructureVariables(environment))) {
        expect(key).toMatch(VARIABLE);
        expect(value).not.toMatch(/\n/);
      }
    }),
    { numRuns: 50 },
  );
});

test("JSON values parse back to the objects they stand for", () => {
  for (const [name, value] of Object.entries(infrastructureVariables(production))) {
    if (value.startsWith("{")) expect(() => JSON.parse(value)).not.toThrow();
    else expect(name).not.toMatch(/_resources$|_requests$|_limits$/);
  }
});

describe("the environment's profile", () => {
  const profiles = (change?: (document: Record<string, any>) => void) =>
    exampleProject(change).environments.map(({ applications }) => [
      applications.nextcloud?.profile,
      applications.mattermost?.profile,
    ]);

  test("is visible in the example: staging small, production large", () => {
    expect(profiles()).toEqual([
      ["small", "small"],
      ["large", "medium"],
    ]);
  });

  test("has an effect there: another one changes the variables", () => {
    const change = ({ environments }: Record<string, any>) => {
      environments[0].profile = "medium";
      environments[1].profile = "small";
    };
    expect(profiles(change)).toEqual([
      ["medium", "medium"],
      ["small", "medium"],
    ]);
    for (const [index, environment] of exampleProject(change).environments.entries())
      expect(infrastructureVariables(environment).infraConfig_applications_nextcloud_resources).not.toBe(
        infrastructureVariables(index === 0 ? staging : production)
          .infraConfig_applications_nextcloud_resources,
      );
  });
});
