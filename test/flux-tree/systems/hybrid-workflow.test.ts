import path from "node:path";
import type { Environment } from "../../../src/config";
import { infrastructureVariables } from "../../../src/flux";
import { renderEnvironment } from "../../../src/flux-tree";
import { page } from "../../docs/markdown";
import { exampleProject } from "../../support/example";
import { describeWithKubectl } from "../kubectl";
import { RenderedEnvironment, rendered } from "../rendered-environment";
import { exists, isKustomizeFile, manifestsOf, tree, yamlFiles } from "../tree";

type Change = (document: Record<string, any>) => void;

function environment(name: "staging" | "production", change?: Change): Environment {
  const found = exampleProject(change).environments.find((candidate) => candidate.name === name);
  if (!found) throw new Error(`the example has no environment ${name}`);
  return found;
}

/** The sizes of both applications' objects: resources, volume and database. */
function sizes(environment: RenderedEnvironment): Record<string, unknown> {
  const releases = { mattermost: "mattermost-team-edition", nextcloud: "nextcloud" };
  return Object.fromEntries(
    Object.entries(releases).map(([application, release]) => {
      const system = environment.system(application);
      return [
        application,
        {
          resources: system.find("HelmRelease", release).spec.values.resources.limits,
          volume: system.find("PersistentVolumeClaim", `${application}-data`).spec.resources.requests.storage,
          database: system.find("Cluster", `${application}-db`).spec.storage.size,
        },
      ];
    }),
  );
}

describe("overlays", () => {
  const kustomizations = yamlFiles().filter(isKustomizeFile);

  test("patch their base with patches, since kustomize has dropped patchesStrategicMerge", () => {
    const dropped = ["patchesStrategicMerge", "patchesJson6902", "bases", "commonLabels", "vars"];
    const offenders = kustomizations.filter((file) =>
      manifestsOf(file).some((content) => dropped.some((key) => key in content)),
    );

    expect(offenders).toEqual([]);
    const [staging] = manifestsOf("flux/apps/mattermost/staging/kustomization.yaml");
    expect(staging?.patches).toEqual([{ path: "database.yaml" }, { path: "helm-release.yaml" }]);
  });

  test("are there for each application in both environments", () => {
    for (const application of ["mattermost", "nextcloud"]) {
      for (const name of ["base", "staging", "production"]) {
        expect(exists(path.join("flux/apps", application, name, "kustomization.yaml"))).toBe(true);
      }
    }
  });
});

describe("custom profiles", () => {
  const large: Change = (document) => {
    document.environments[1].cluster.nodeSize = "s-16vcpu-32gb";
    document.resourceProfiles = { gpu: { cpu: "4000m", memory: "8Gi", "nvidia.com/gpu": 1 } };
    // Staging has no node that it fits on.
    document.environments[1].resourceProfiles = { compute: { cpu: "8000m", memory: "16Gi" } };
    document.environments[1].applications = { nextcloud: { profile: "compute" } };
  };

  test("gpu and compute of the document are variables beside small, medium and large", () => {
    const variables = infrastructureVariables(environment("production", large));

    expect(JSON.parse(variables.infraConfig_resourceProfiles_gpu ?? "")).toEqual({
      requests: { cpu: "4000m", memory: "8Gi", "nvidia.com/gpu": "1" },
      limits: { cpu: "4000m", memory: "8Gi", "nvidia.com/gpu": "1" },
    });
    expect(JSON.parse(variables.infraConfig_resourceProfiles_compute ?? "")).toEqual({
      requests: { cpu: "8000m", memory: "16Gi" },
      limits: { cpu: "8000m", memory: "16Gi" },
    });
  });

  test("an application takes one by its name", () => {
    expect(environment("production", large).applications.nextcloud).toMatchObject({
      profile: "compute",
      resources: { limits: { cpu: "8000m", memory: "16Gi" } },
    });
  });
});

describe("the document's commands", () => {
  test("for troubleshooting are in the documentation, word for word", () => {
    const text = page("docs/troubleshooting.md") + page("README.md");
    const commands = [
      "kubectl get configmap infrastructure-config -n flux-system",
      "kubectl get configmap infrastructure-config -n flux-system -o yaml",
      "ls flux/.backups/",
      "npm run deploy",
    ];

    expect(commands.filter((command) => !text.includes(command))).toEqual([]);
  });

  test("for a start are in the documentation, in the document's order", () => {
    expect(page("README.md")).toMatch(/^\.\/setup\.sh[\s\S]+^npm run deploy/m);
    expect(page("docs/configuration.md")).toContain(
      "cp infrastructure.config.json.example infrastructure.config.json",
    );
  });
});

describeWithKubectl("the dynamic configuration", () => {
  const render = async (changed: Environment) =>
    new RenderedEnvironment(await renderEnvironment(tree, changed));

  test("gives the applications the profiles and storage of the document's example", async () => {
    expect(sizes(await rendered("production"))).toEqual({
      nextcloud: { resources: { cpu: "2000m", memory: "2Gi" }, volume: "100Gi", database: "10Gi" },
      mattermost: { resources: { cpu: "1000m", memory: "1Gi" }, volume: "10Gi", database: "10Gi" },
    });
  });

  test("gives them the environment's profile where they name none: small in staging, large in production", async () => {
    const change: Change = (document) => {
      document.applications = {};
      delete document.environments[1].applications;
    };
    const both = await Promise.all([
      render(environment("staging", change)),
      render(environment("production", change)),
    ]);

    expect(both.map(sizes)).toEqual([
      {
        nextcloud: { resources: { cpu: "250m", memory: "256Mi" }, volume: "50Gi", database: "5Gi" },
        mattermost: { resources: { cpu: "250m", memory: "256Mi" }, volume: "5Gi", database: "5Gi" },
      },
      {
        nextcloud: { resources: { cpu: "2000m", memory: "2Gi" }, volume: "100Gi", database: "10Gi" },
        mattermost: { resources: { cpu: "2000m", memory: "2Gi" }, volume: "10Gi", database: "10Gi" },
      },
    ]);
  });

  test("doubles them when the nodes grow from s-2vcpu-4gb to s-4vcpu-8gb, without a change of a manifest", async () => {
    const [before, after] = await Promise.all([
      rendered("staging"),
      render(
        environment("staging", (document) => {
          document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
        }),
      ),
    ]);

    expect([before, after].map(sizes)).toEqual([
      {
        nextcloud: { resources: { cpu: "250m", memory: "256Mi" }, volume: "50Gi", database: "5Gi" },
        mattermost: { resources: { cpu: "250m", memory: "256Mi" }, volume: "5Gi", database: "5Gi" },
      },
      {
        nextcloud: { resources: { cpu: "500m", memory: "512Mi" }, volume: "100Gi", database: "10Gi" },
        mattermost: { resources: { cpu: "500m", memory: "512Mi" }, volume: "10Gi", database: "10Gi" },
      },
    ]);
  });

  test("changes the networking with the control plane: two ingress controllers where it is highly available", async () => {
    const replicas = (environment: RenderedEnvironment): number =>
      environment.find("HelmRelease", "traefik").spec.values.deployment.replicas;

    expect([replicas(await rendered("staging")), replicas(await rendered("production"))]).toEqual([1, 2]);
  });
});
