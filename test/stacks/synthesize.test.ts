import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import type { Project } from "../../src/config";
import { replacementsFor } from "../../src/flux";
import type { PublishedSecrets } from "../../src/secrets/published";
import { synthesize } from "../../src/stacks/synthesize";
import { renderReplacements } from "../../src/static-configuration";
import { exampleProject, REPOSITORY } from "../support/example";

const PUBLISHED: PublishedSecrets = {
  publicKey: { id: "1", key: "a2V5" },
  secrets: { STAGING_PLAN_DIGITALOCEAN_TOKEN: { sealed: "c2VhbGVk", digest: "salt:hash" } },
  environment: {
    publicKey: { id: "2", key: "b3RoZXI=" },
    secrets: { DIGITALOCEAN_TOKEN: { sealed: "ZGVwbG95", digest: "salt:hash" } },
  },
  offer: {
    owner: "User",
    visibility: "private",
    plan: "pro",
    environments: true,
    protectionRules: false,
  },
  deployKey: "ssh-ed25519 AAAA",
  webhookPath: "/hook/0123",
};
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function synth(
  project: Project,
  {
    pending = true,
    published = {} as Record<string, PublishedSecrets>,
    ageRecipients = {} as Record<string, readonly string[]>,
  } = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), "synth-"));
  folders.push(folder);
  const outdir = join(folder, "cdktf.out");
  const replacements = renderReplacements(replacementsFor(project));
  const program = join(REPOSITORY, "src", "static-configuration", "main.ts");
  synthesize({
    project,
    staticConfiguration: { program, replacements, pending },
    published,
    ageRecipients,
    outdir,
  });
  return outdir;
}

const stackOf = (outdir: string, name: string) =>
  JSON.parse(readFileSync(join(outdir, "stacks", name, "cdk.tf.json"), "utf8"));

function files(folder: string): Map<string, string> {
  const paths = (readdirSync(folder, { recursive: true }) as string[])
    .map((path) => join(folder, path))
    .filter((path) => statSync(path).isFile());
  return new Map(paths.sort().map((path) => [relative(folder, path), readFileSync(path, "utf8")]));
}

const withVersion = () =>
  exampleProject(({ environments: [staging] }) => {
    staging.cluster.version = "1.34";
  });
const project = withVersion();
const outdir = synth(project, { published: { staging: PUBLISHED } });
const cluster = (environment: string) => stackOf(outdir, `${environment}-cluster`).resource;

describe("all stacks", () => {
  test("are three per environment, each after the one it builds on", () => {
    const { stacks } = JSON.parse(readFileSync(join(outdir, "manifest.json"), "utf8"));
    expect(
      Object.fromEntries(Object.entries<any>(stacks).map(([name, { dependencies }]) => [name, dependencies])),
    ).toEqual({
      "staging-cluster": [],
      "staging-flux-configuration": ["staging-cluster"],
      "staging-github-secrets": ["staging-cluster", "staging-flux-configuration"],
      "production-cluster": [],
      "production-flux-configuration": ["production-cluster"],
      "production-github-secrets": ["production-cluster", "production-flux-configuration"],
    });
  });

  test("are the same bytes when synthesized again at another path", () => {
    expect(files(synth(withVersion(), { published: { staging: PUBLISHED } }))).toEqual(files(outdir));
  });

  test("name no path of this machine", () => {
    for (const [path, text] of files(outdir)) {
      expect([path, text.includes(REPOSITORY) || text.includes(tmpdir())]).toEqual([path, false]);
    }
  });

  test("have no credentials in their providers", () => {
    for (const [path, text] of files(outdir)) {
      if (!path.endsWith("cdk.tf.json")) continue;
      const { provider } = JSON.parse(text);
      expect(provider.digitalocean ?? [{}]).toEqual([{}]);
      expect(provider.github ?? [{ owner: "my-github-user" }]).toEqual([{ owner: "my-github-user" }]);
    }
  });

  test("pass only ids and names from one to the other", () => {
    const references =
      [...files(outdir).values()].join("\n").match(/outputs\.cross-stack-output-[A-Za-z0-9_-]+/g) ?? [];
    expect([...new Set(references)].sort()).toEqual([
      "outputs.cross-stack-output-digitalocean_kubernetes_clusterclusterid",
      "outputs.cross-stack-output-digitalocean_kubernetes_clusterclustername",
      "outputs.cross-stack-output-kubernetes_namespace_v1flux-systemmetadata0name",
    ]);
  });

  test("keep their state in the project's folder, or in a Spaces bucket with a lock", () => {
    expect(stackOf(outdir, "staging-cluster").terraform.backend).toEqual({
      local: { path: "../../../state/staging-cluster.tfstate" },
    });
    const spaces = synth(
      exampleProject((document) => {
        document.state = { backend: "spaces", bucket: "acme-state", region: "fra1" };
      }),
    );
    expect(stackOf(spaces, "staging-flux-configuration").terraform).toMatchObject({
      required_version: ">= 1.11.0",
      backend: {
        s3: {
          bucket: "acme-state",
          key: "staging-flux-configuration.tfstate",
          region: "us-east-1",
          endpoints: { s3: "https://fra1.digitaloceanspaces.com" },
          use_lockfile: true,
          skip_credentials_validation: true,
          skip_requesting_account_id: true,
          skip_metadata_api_check: true,
          skip_region_validation: true,
          skip_s3_checksum: true,
        },
      },
    });
    const remote = stackOf(spaces, "staging-flux-configuration").data.terraform_remote_state[
      "cross-stack-reference-input-staging-cluster"
    ];
    expect(remote.config).toMatchObject({
      bucket: "acme-state",
      endpoints: { s3: "https://fra1.digitaloceanspaces.com" },
    });
  });

  test("leave GitHub out without github in the configuration", () => {
    const without = synth(exampleProject((document) => delete document.github));
    expect(readdirSync(join(without, "stacks")).sort()).toEqual([
      "production-cluster",
      "production-flux-configuration",
      "staging-cluster",
      "staging-flux-configuration",
    ]);
  });
});

describe("the cluster", () => {
  test("has a small fixed pool of its own, and the workload pool beside it with its size in its name", () => {
    expect(cluster("staging").digitalocean_kubernetes_cluster.cluster.node_pool).toMatchObject({
      name: "system",
      size: "s-2vcpu-4gb",
      node_count: 1,
    });
    expect(cluster("staging").digitalocean_kubernetes_node_pool["node-pool-workload"]).toMatchObject({
      name: "workload-s-2vcpu-4gb",
      size: "s-2vcpu-4gb",
      node_count: project.environments[0]?.cluster.nodeCount,
      auto_scale: false,
      lifecycle: { create_before_destroy: true },
    });
  });

  test("autoscales between its bounds, and then the count is the autoscaler's", () => {
    expect(cluster("production").digitalocean_kubernetes_node_pool["node-pool-workload"]).toMatchObject({
      auto_scale: true,
      min_nodes: 3,
      max_nodes: 6,
      lifecycle: { create_before_destroy: true, ignore_changes: ["node_count"] },
    });
  });

  test("always says whether its control plane is highly available", () => {
    expect(cluster("staging").digitalocean_kubernetes_cluster.cluster.ha).toBe(false);
    expect(cluster("production").digitalocean_kubernetes_cluster.cluster.ha).toBe(true);
  });

  test("is protected in production, and litters nothing in staging", () => {
    const [staging, production] = ["staging", "production"].map(
      (name) => cluster(name).digitalocean_kubernetes_cluster.cluster,
    );
    expect([production.lifecycle.prevent_destroy, production.destroy_all_associated_resources]).toEqual([
      true,
      false,
    ]);
    expect([staging.lifecycle.prevent_destroy, staging.destroy_all_associated_resources]).toEqual([
      false,
      true,
    ]);
  });

  test("stays on a minor version: patches follow by themselves, and a retired one is refused for a new cluster only", () => {
    const staging = cluster("staging").digitalocean_kubernetes_cluster.cluster;
    expect(staging).toMatchObject({
      auto_upgrade: true,
      surge_upgrade: true,
      maintenance_policy: { day: "sunday", start_time: "04:00" },
    });
    expect(staging.lifecycle.ignore_changes).toEqual(["version"]);
    expect(staging.version).toMatch(
      /coalesce\(data\.digitalocean_kubernetes_versions\.versions\.latest_version, "1\.34"\)/,
    );
    expect(staging.lifecycle.postcondition[0].error_message).toMatch(
      /Kubernetes 1\.34.*set cluster\.version in the configuration to .*doctl kubernetes options versions/,
    );
    expect(
      stackOf(outdir, "staging-cluster").data.digitalocean_kubernetes_versions.versions.version_prefix,
    ).toBe("1.34.");
  });

  test("has its network protected in production: deleting it would take the cluster along", () => {
    expect(cluster("production").digitalocean_vpc.vpc.lifecycle).toEqual({ prevent_destroy: true });
    expect(cluster("staging").digitalocean_vpc.vpc.lifecycle).toBeUndefined();
  });

  test("owns the domain in production only, protected since its records go with it", () => {
    expect(cluster("production").digitalocean_domain.domain).toMatchObject({
      name: "example.com",
      lifecycle: { prevent_destroy: true },
    });
    expect(cluster("staging").digitalocean_domain).toBeUndefined();
  });

  test("has the extra pools of the configuration, with labels and taints", () => {
    const withPool = synth(
      exampleProject((document) => {
        document.environments[0].cluster.pools = [
          {
            name: "gpu",
            nodeSize: "gpu-4000adax1-20gb",
            nodeCount: 1,
            labels: { kind: "gpu" },
            taints: [{ key: "nvidia.com/gpu", effect: "NoSchedule" }],
          },
        ];
      }),
    );
    expect(
      stackOf(withPool, "staging-cluster").resource.digitalocean_kubernetes_node_pool["node-pool-gpu"],
    ).toMatchObject({
      name: "gpu-gpu-4000adax1-20gb",
      labels: { kind: "gpu", "hybrid-gitops/pool": "gpu" },
      taint: [{ key: "nvidia.com/gpu", value: "", effect: "NoSchedule" }],
    });
  });
});

describe("the Flux configuration", () => {
  const flux = stackOf(outdir, "production-flux-configuration");

  test("writes both ConfigMaps with the label that makes Flux notice a change at once", () => {
    const maps = flux.resource.kubernetes_config_map_v1;
    expect(Object.keys(maps).sort()).toEqual(["infrastructure-config", "infrastructure-vars"]);
    for (const name of Object.keys(maps))
      expect(maps[name].metadata).toMatchObject({ name, labels: { "reconcile.fluxcd.io/watch": "Enabled" } });
  });

  test("never deletes the namespace that it shares with Flux, nor quarrels about its labels", () => {
    expect(flux.resource.kubernetes_namespace_v1["flux-system"].lifecycle).toEqual({
      ignore_changes: ["metadata[0].labels", "metadata[0].annotations"],
      prevent_destroy: true,
    });
  });

  test("reads fresh credentials from the cluster, known by its name", () => {
    expect(flux.data.digitalocean_kubernetes_cluster.cluster.name).toMatch(/clustername\}$/);
    expect(flux.provider.kubernetes[0].token).toBe(
      "${data.digitalocean_kubernetes_cluster.cluster.kube_config[0].token}",
    );
  });

  test("runs the script again only while there are placeholders in this checkout", () => {
    const pending = flux.resource.null_resource["static-configuration"];
    expect(pending.triggers.run).toBe("${plantimestamp()}");
    expect(pending.lifecycle.ignore_changes).toBeUndefined();
    const done = stackOf(synth(project, { pending: false }), "production-flux-configuration").resource
      .null_resource["static-configuration"];
    expect(done.triggers.replacements).toBe(pending.triggers.replacements);
    expect(done.lifecycle.ignore_changes).toEqual(['triggers["run"]']);
  });

  test("hands values to the script as they are, template signs escaped", () => {
    const { environment, working_dir: directory } =
      flux.resource.null_resource["static-configuration"].provisioner[0]["local-exec"];
    expect(environment.REPLACEMENTS).toContain("my-cluster\tmy-startup-production\n");
    expect(directory).toBe("../../..");
  });
});

describe("the key that Flux decrypts with", () => {
  const stackFor = (recipient: string) =>
    stackOf(synth(project, { ageRecipients: { staging: [recipient] } }), "staging-flux-configuration");
  const stack = stackFor("age1first");
  const secret = stack.resource.kubernetes_secret_v1["sops-age"];

  test("is an ephemeral variable and a write-only argument, so that no plan and no state keeps it", () => {
    expect(stack.variable.sops_age_key).toMatchObject({ type: "string", ephemeral: true, sensitive: true });
    expect(secret.data_wo).toContain('tomap({ "age.agekey" = var.sops_age_key })');
    expect([secret.data, secret.binary_data]).toEqual([undefined, undefined]);
    expect(secret.metadata).toMatchObject({
      name: "sops-age",
      namespace: "${kubernetes_namespace_v1.flux-system.metadata[0].name}",
    });
  });

  test("may be left out by a machine that doesn't have it, and then nothing takes its place", () => {
    expect(stack.variable.sops_age_key.default).toBe("");
    // A name that Kubernetes refuses: an empty secret can't be written.
    const name = /tomap\(\{ "([^"]+)" = "" \}\)/.exec(secret.data_wo)?.[1] ?? "";
    expect(name).toMatch(/the private key was not given.*\.secrets\/staging\/age\.agekey/);
    expect(name).toMatch(/[^-._a-zA-Z0-9]/);
  });

  test("is written again when its public half is another one, and only then", () => {
    const revision = (recipient: string) =>
      stackFor(recipient).resource.kubernetes_secret_v1["sops-age"].data_wo_revision;
    expect(revision("age1first")).toBe(secret.data_wo_revision);
    expect(revision("age1second")).not.toBe(secret.data_wo_revision);
    expect(Number.isInteger(secret.data_wo_revision) && secret.data_wo_revision >= 1).toBe(true);
  });

  test("is left out until there are secrets", () => {
    const without = stackOf(outdir, "staging-flux-configuration");
    expect([without.variable, without.resource.kubernetes_secret_v1]).toEqual([undefined, undefined]);
  });
});

describe("the GitHub repository", () => {
  const staging = stackOf(outdir, "staging-github-secrets").resource;

  test("gets sealed values only", () => {
    expect(staging.github_actions_secret["secret-STAGING_PLAN_DIGITALOCEAN_TOKEN"]).toMatchObject({
      secret_name: "STAGING_PLAN_DIGITALOCEAN_TOKEN",
      encrypted_value: "c2VhbGVk",
    });
    expect(JSON.stringify(staging)).not.toContain("plaintext_value");
  });

  test("gets Flux's deploy key under the title that flux bootstrap looks for, read-only", () => {
    expect(staging.github_repository_deploy_key["deploy-key"]).toMatchObject({
      title: "flux-system-main-flux-system-./flux/clusters/staging",
      key: "ssh-ed25519 AAAA",
      read_only: true,
    });
  });

  test("gets a webhook without a signing secret, which the state would show", () => {
    expect(staging.github_repository_webhook.webhook.configuration).toEqual({
      url: "https://flux.staging.example.com/hook/0123",
      content_type: "json",
      insecure_ssl: false,
    });
  });

  test("gets the tokens of deploys as secrets of the environment, which no other job sees", () => {
    expect(staging.github_actions_environment_secret).toMatchObject({
      "environment-secret-DIGITALOCEAN_TOKEN": {
        environment: "${github_repository_environment.environment.environment}",
        secret_name: "DIGITALOCEAN_TOKEN",
        encrypted_value: "ZGVwbG95",
      },
    });
    expect(Object.keys(staging.github_actions_secret)).toEqual(["secret-STAGING_PLAN_DIGITALOCEAN_TOKEN"]);
  });

  test("gets nothing that its plan doesn't offer, and an organisation is no reviewer", () => {
    const reviewed = exampleProject((document) => {
      document.environments[0].reviewers = ["ada", "my-github-user"];
    });
    const resourcesWith = (offer: Partial<PublishedSecrets["offer"]>) =>
      stackOf(
        synth(reviewed, {
          published: { staging: { ...PUBLISHED, offer: { ...PUBLISHED.offer, ...offer } as never } },
        }),
        "staging-github-secrets",
      ).resource;
    const reviewersOf = (offer: Partial<PublishedSecrets["offer"]>) =>
      resourcesWith(offer).github_repository_environment.environment.reviewers;
    expect(reviewersOf({})).toBeUndefined();
    expect(reviewersOf({ protectionRules: true })[0].users).toHaveLength(2);
    expect(reviewersOf({ protectionRules: true, owner: "Organization" })[0].users).toEqual([
      "${tonumber(data.github_user.reviewer-ada.id)}",
    ]);
    expect(Object.keys(resourcesWith({ environments: false })).sort()).toEqual([
      "github_actions_secret",
      "github_repository_deploy_key",
      "github_repository_webhook",
    ]);
  });

  test("is deployed from its branch only, and asks nobody unless the configuration names people", () => {
    const production = stackOf(outdir, "production-github-secrets");
    expect(
      production.resource.github_repository_environment_deployment_policy["deployment-policy"].branch_pattern,
    ).toBe("main");
    expect(production.resource.github_repository_environment.environment.reviewers).toBeUndefined();
  });

  test("has deployments approved by the users and teams of each environment", () => {
    const out = synth(
      exampleProject((document) => {
        document.github.reviewers = ["ada"];
        document.environments[0].reviewers = ["my-github-user/platform"];
      }),
    );
    const reviewersOf = (name: string) =>
      stackOf(out, name).resource.github_repository_environment.environment.reviewers;
    expect(reviewersOf("production-github-secrets")).toEqual([
      { users: ["${tonumber(data.github_user.reviewer-ada.id)}"], teams: [] },
    ]);
    expect(reviewersOf("staging-github-secrets")).toEqual([
      { users: [], teams: ["${tonumber(data.github_team.reviewers-platform.id)}"] },
    ]);
  });

  test("waits for the first deploy with what has to be sealed", () => {
    expect(stackOf(outdir, "production-github-secrets").resource.github_actions_secret).toBeUndefined();
  });
});
