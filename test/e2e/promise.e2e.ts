import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parse, stringify } from "yaml";
import { REPOSITORY } from "../support/example";
import { playCloudControllers } from "./support/cloud-controllers";
import { until } from "./support/live-cluster";
import { LiveWorld } from "./support/live-world";
import { measure, secondsSince } from "./support/measurements";
import { PodPlayer } from "./support/pod-player";

const ENVIRONMENTS = ["staging", "production"] as const;
type EnvironmentName = (typeof ENVIRONMENTS)[number];

let world: LiveWorld;

beforeAll(async () => {
  world = await LiveWorld.start({
    name: "promise",
    environments: ENVIRONMENTS,
    configure: (document) => {
      // Applications whose own sizes are stated go on a profile, one of them in this environment only.
      document.applications.chatbox = { profile: "medium" };
      document.applications.fade = { profile: "small" };
      document.environments[0].applications = { nextcloud: { profile: "small" } };
    },
  });
});

afterAll(async () => {
  await world?.stop();
});

/** Changes the node size of environments and deploys, without a commit. */
function resize(sizes: Partial<Record<EnvironmentName, string>>): void {
  world.project.project.configure((document) => {
    for (const environment of document.environments) {
      const size = sizes[environment.name as EnvironmentName];
      if (size) environment.cluster.nodeSize = size;
    }
  });
  world.project.deploy(...Object.keys(sizes).flatMap((name) => ["--environment", name]));
}

/** Where the sizes of an application are seen: its workload, as `[kind, namespace, name]`. */
const WORKLOADS = {
  chatbox: ["Deployment", "chatbox", "chatbox"],
  fade: ["StatefulSet", "fade", "repram-node"],
  mattermost: ["Deployment", "mattermost", "mattermost"],
  nextcloud: ["Deployment", "nextcloud", "nextcloud"],
} as const;
type Application = keyof typeof WORKLOADS;

/** CPU and memory of the first container, and that its limits are the same. */
async function sizeOf(environment: EnvironmentName, application: Application): Promise<string> {
  const [kind, namespace, name] = WORKLOADS[application];
  const workload = await world.cluster(environment).api.get(kind, namespace, name);
  const { requests, limits } = workload.spec.template.spec.containers[0].resources;
  expect([limits.cpu, limits.memory]).toEqual([requests.cpu, requests.memory]);
  return `${requests.cpu} ${requests.memory}`;
}

/** Waits until an application has a size. @returns seconds since a time of `performance.now()` */
async function untilSize(
  environment: EnvironmentName,
  application: Application,
  size: string,
  begin: number,
  patience = 60,
): Promise<number> {
  await until(patience, async () => {
    const found = await sizeOf(environment, application);
    return found === size ? undefined : `${application} in ${environment} has ${found}, not ${size}`;
  });
  return secondsSince(begin);
}

test("deploy writes both ConfigMaps into each cluster, and after a push every part of the tree becomes ready", async () => {
  const begin = performance.now();
  await world.deployAndPublish(240);
  measure("first deploy", "deploy, push, all of Flux ready, in two clusters", secondsSince(begin));
  for (const environment of ENVIRONMENTS) {
    const { api } = world.cluster(environment);
    const variables = await api.get("ConfigMap", "flux-system", "infrastructure-vars");
    expect(variables.data.infraConfig_cluster_name).toBe(`my-startup-${environment}`);
    const document = await api.get("ConfigMap", "flux-system", "infrastructure-config");
    expect(document.data["values.yaml"]).toContain(`name: my-startup-${environment}`);
    // Everything that stands in Git is there.
    const files = readdirSync(path.join(REPOSITORY, "flux/clusters", environment));
    const expected = files
      .filter((file) => file.endsWith(".yaml"))
      .map((file) => path.basename(file, ".yaml"));
    const names = (await api.list("Kustomization")).map(({ metadata }) => metadata.name);
    expect(names.sort()).toEqual(["flux-system", ...expected].sort());
    expect((await api.list("HelmRelease")).length).toBeGreaterThan(5);
  }
});

/** Who follows the node size: sizes on s-2vcpu-4gb (before, staging), s-4vcpu-8gb and s-8vcpu-16gb (after, production). */
const FOLLOWERS: ReadonlyArray<{
  readonly what: string;
  readonly application: Application;
  readonly staging: readonly [before: string, after: string];
  readonly production: readonly [before: string, after: string];
}> = [
  {
    what: "a Kustomize application (chatbox)",
    application: "chatbox",
    staging: ["500m 512Mi", "1 1Gi"],
    production: ["1 1Gi", "2 2Gi"],
  },
  {
    what: "our own chart (fade)",
    application: "fade",
    staging: ["250m 256Mi", "500m 512Mi"],
    production: ["500m 512Mi", "1 1Gi"],
  },
  {
    what: "a third-party chart (mattermost)",
    application: "mattermost",
    staging: ["250m 256Mi", "500m 512Mi"],
    production: ["1 1Gi", "2 2Gi"],
  },
  {
    what: "an override for staging (nextcloud)",
    application: "nextcloud",
    staging: ["250m 256Mi", "500m 512Mi"],
    production: ["2 2Gi", "4 4Gi"],
  },
];

test("a larger node size reaches every application without a commit, in each environment with its own values", async () => {
  const head = execFileSync("git", ["rev-parse", "main"], { cwd: world.git.repository, encoding: "utf8" });
  for (const { application, ...sizes } of FOLLOWERS)
    for (const environment of ENVIRONMENTS)
      expect([environment, application, await sizeOf(environment, application)]).toEqual([
        environment,
        application,
        sizes[environment][0],
      ]);
  resize({ staging: "s-4vcpu-8gb", production: "s-8vcpu-16gb" });
  const end = performance.now();
  await Promise.all(
    FOLLOWERS.flatMap(({ what, application, ...sizes }) =>
      ENVIRONMENTS.map(async (environment) => {
        const seconds = await untilSize(environment, application, sizes[environment][1], end);
        measure("node size, with the watch label", `${environment}: ${what}`, seconds);
      }),
    ),
  );
  await Promise.all(ENVIRONMENTS.map((environment) => world.cluster(environment).untilReady(120)));
  expect(execFileSync("git", ["rev-parse", "main"], { cwd: world.git.repository, encoding: "utf8" })).toBe(
    head,
  );
});

test("a user's edit in Git survives a deploy and a node size change", async () => {
  const overlay = "flux/apps/chatbox/staging/kustomization.yaml";
  const patch = {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "chatbox", namespace: "chatbox", annotations: { "example.org/owner": "team-a" } },
    spec: { revisionHistoryLimit: 3 },
  };
  world.project.edit(overlay, (text) => {
    const kustomization = parse(text);
    kustomization.patches.push({ patch: stringify(patch) });
    return `# Ours\n${stringify(kustomization)}`;
  });
  const edited = world.project.project.read(overlay);
  await world.push("Our own patch");
  const { api } = world.cluster("staging");
  const edit = async (): Promise<unknown> => {
    const { metadata, spec } = await api.get("Deployment", "chatbox", "chatbox");
    return [metadata.annotations["example.org/owner"], spec.revisionHistoryLimit];
  };
  await until(60, async () =>
    (await edit())?.toString() === "team-a,3" ? undefined : "the edit is not there yet",
  );

  world.project.deploy("--environment", "staging");
  resize({ staging: "s-8vcpu-16gb" });
  await untilSize("staging", "chatbox", "2 2Gi", performance.now());
  expect(await edit()).toEqual(["team-a", 3]);
  expect(world.project.project.read(overlay)).toBe(edited);
  await world.cluster("staging").untilReady(120);
});

test("without the watch label a change waits for the interval", async () => {
  const interval = 15;
  world.project.edit("flux/clusters/staging/chatbox.yaml", (text) =>
    text.replace("interval: 1h", `interval: ${interval}s`),
  );
  await world.push("A short interval for one application");
  const { api, flux, processes } = world.cluster("staging");
  await until(60, async () => {
    const { spec } = await api.get("Kustomization", "flux-system", "chatbox");
    return spec.interval === `${interval}s` ? undefined : "the interval is not there yet";
  });
  // Terraform writes the label, so the controllers are told to look for another one, which comes to the same.
  for (const controller of ["kustomize-controller", "helm-controller"] as const) {
    await processes.stop(controller);
    await flux.start(controller, ["--watch-configs-label-selector=example.org/watched=by-nobody"]);
  }
  await world.cluster("staging").untilReady(120);
  // Whatever the restart has reconciled is done once the next interval has passed for the one with the short interval.
  await sleep(2000);
  world.project.project.configure((document) => {
    document.environments[0].applications.chatbox = { profile: "large" };
    document.environments[0].applications.fade = { profile: "medium" };
  });
  world.project.deploy("--environment", "staging");
  const end = performance.now();
  const seconds = await untilSize("staging", "chatbox", "4 4Gi", end, interval + 60);
  measure("node size, without the watch label", `staging: interval of ${interval} s (chatbox)`, seconds);
  // An hour is the tree's interval: it is not waited for.
  expect(await sizeOf("staging", "fade")).toBe("1 1Gi");

  for (const controller of ["kustomize-controller", "helm-controller"] as const) {
    await processes.stop(controller);
    await flux.start(controller);
  }
  await untilSize("staging", "fade", "2 2Gi", performance.now(), 120);
  await world.cluster("staging").untilReady(120);
});

/** The bytes of every file below some folders of the project. */
function contents(...folders: string[]): Record<string, string> {
  const { directory } = world.project.project;
  const files = folders.flatMap((folder) =>
    readdirSync(path.join(directory, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.join(entry.parentPath, entry.name)),
  );
  return Object.fromEntries(files.map((file) => [file, readFileSync(file, "utf8")]));
}

test("a claim grows with its storage class, and a shrink is refused before anything is touched", async () => {
  const { api } = world.cluster("staging");
  const requested = async (): Promise<string> =>
    (await api.get("PersistentVolumeClaim", "nextcloud", "nextcloud-data")).spec.resources.requests.storage;
  const before = await requested();
  const setBulk = (size: string): void =>
    world.project.project.configure((document) => {
      document.environments[0].storage = { bulk: { size } };
    });
  setBulk("400Gi");
  world.project.deploy("--environment", "staging");
  const end = performance.now();
  await until(60, async () =>
    (await requested()) === "400Gi" ? undefined : `the claim asks for ${await requested()}`,
  );
  measure("storage", `staging: claim from ${before} to 400Gi (nextcloud)`, secondsSince(end));
  await world.cluster("staging").untilReady(120);

  const seen = async (): Promise<unknown> => ({
    claim: await api.get("PersistentVolumeClaim", "nextcloud", "nextcloud-data"),
    configMaps: await api.list("ConfigMap", "flux-system"),
    files: contents("state", "clouds", "flux"),
  });
  const untouched = await seen();
  setBulk("150Gi");
  const refused = world.project.run("deploy", "--yes", "--environment", "staging");
  expect(refused.code).toBe(1);
  expect(refused.stdout + refused.stderr).toContain("storage.bulk would shrink from 400Gi to 150Gi");
  expect(await seen()).toEqual(untouched);
  setBulk("400Gi");
});

test("a smaller node size: Flux makes every application smaller, and the nodes stay until the pods fit on the new ones", async () => {
  const { api } = world.cluster("staging");
  const pools = (): string[] =>
    Object.values<any>(
      world.project.project.json("clouds", "digitalocean.json").digitalocean_kubernetes_node_pool,
    )
      .map(({ name }) => name)
      .filter((name) => name.startsWith("workload-"));
  const pods = await PodPlayer.start(api);
  try {
    world.project.project.configure((document) => {
      const [staging] = document.environments;
      staging.cluster.nodeSize = "s-2vcpu-4gb";
      // Enough for what its applications ask for then, and volumes don't shrink.
      staging.cluster.nodeCount = 7;
      staging.storage = { ...staging.storage, fast: { size: "20Gi" } };
      // The profiles of the beginning again: another test has set larger ones.
      staging.applications = { nextcloud: { profile: "small" } };
    });
    const begin = performance.now();
    const running = world.project.start("deploy", "--yes", "--environment", "staging");
    await until(120, async () =>
      running.output().includes("waits for the pods to shrink") ? undefined : running.output(),
    );
    // The ConfigMaps are there, and no node has gone.
    const variables = await api.get("ConfigMap", "flux-system", "infrastructure-vars");
    expect(variables.data.infraConfig_cluster_nodeSize).toBe("s-2vcpu-4gb");
    expect(pools()).not.toContain("workload-s-2vcpu-4gb");
    const { code, stdout, stderr } = await running.finished;
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /staging-flux-configuration +done.*staging-cluster +the pods fit now.*staging-cluster +done/s,
    );
    measure("node size, smaller", "staging: the applications shrink, then the nodes go", secondsSince(begin));
    expect(pools()).toContain("workload-s-2vcpu-4gb");
    // The nodes went as soon as the pods fitted; those that were not needed for that may follow later.
    for (const { application, staging } of FOLLOWERS)
      await untilSize("staging", application, staging[0], begin, 120);
  } finally {
    await pods.stop();
  }
  await world.cluster("staging").untilReady(120);
});

test("status says the same in one page: all is as it should be, until the configuration changes", () => {
  const status = (): { code: number | null; page: string; result: any } => {
    const { code, stdout } = world.project.run("status", "--json");
    return { code, page: world.project.run("status").stdout, result: JSON.parse(stdout) };
  };
  const good = status();
  expect([good.code, good.page.trim().split("\n").at(-2)]).toEqual([0, "All is as it should be."]);
  expect(good.result.environments.map(({ name }: any) => name)).toEqual(ENVIRONMENTS);
  for (const { name, stacks, cluster } of good.result.environments) {
    expect(stacks.map(({ state }: any) => state)).toEqual(["deployed", "deployed", "deployed"]);
    expect(cluster.configMaps.map(({ state }: any) => state)).toEqual(["in step", "in step"]);
    const { sources, kustomizations, helmReleases } = cluster.flux;
    expect(kustomizations.length).toBeGreaterThan(10);
    const unready = [...sources, ...kustomizations, ...helmReleases].filter(({ state }) => state !== "ready");
    expect([name, unready]).toEqual([name, []]);
  }
  let size = "";
  world.project.project.configure(({ environments: [, { cluster }] }) => {
    size = cluster.nodeSize;
    cluster.nodeSize = "c-8";
  });
  const stale = status();
  expect(stale.code).toBe(2);
  expect(stale.page).toContain(
    "infraConfig_cluster_nodeSize: cluster has s-8vcpu-16gb, configuration says c-8",
  );
  world.project.project.configure(({ environments: [, { cluster }] }) => {
    cluster.nodeSize = size;
  });
});

test("the troubleshooting commands of the workflow document show what there is", () => {
  const { directory } = world.project.project;
  const shell = (command: string): string =>
    execFileSync("bash", ["-c", command], {
      cwd: directory,
      encoding: "utf8",
      env: { ...process.env, KUBECONFIG: world.cluster("staging").controlPlane.kubeconfig },
    });
  const shown = parse(shell("kubectl get configmap infrastructure-config -n flux-system -o yaml"));
  expect(parse(shown.data["values.yaml"]).storage.bulk.size).toBe("400Gi");
  expect(shell("kubectl get configmap infrastructure-config -n flux-system")).toMatch(
    /^infrastructure-config\s+1\s/m,
  );
  expect(shell("ls flux/.backups/").split("\n")).toContain("configured.txt");
});

/** The resources in a stack's state; what it only reads is left out. */
function managedResources(stack: string): string[] {
  const { resources } = world.project.project.json("state", `${stack}.tfstate`);
  return resources
    .filter(({ mode }: any) => mode === "managed")
    .map(({ type, name }: any) => `${type}.${name}`);
}

test("destroy of an environment leaves nothing behind and does not wait for Flux", async () => {
  const made = await playCloudControllers(world.project, world.cluster("staging"));
  expect(made.loadBalancers).not.toEqual([]);
  expect(made.volumes).not.toEqual([]);
  const begin = performance.now();
  const result = world.project.run("destroy", "--yes", "--environment", "staging");
  expect([result.code, result.stderr]).toEqual([0, ""]);
  measure("destroy", "staging: command, with Flux and its finalizers in the cluster", secondsSince(begin));
  const clouds = contents("clouds");
  const text = Object.values(clouds).join("\n");
  expect(text).not.toMatch(/staging/i);
  const account = world.project.project.json("clouds", "digitalocean.json");
  expect([account.digitalocean_loadbalancer, account.digitalocean_volume]).toEqual([undefined, undefined]);
  expect(Object.values<any>(account.digitalocean_kubernetes_cluster).map(({ name }) => name)).toEqual([
    "my-startup-production",
  ]);
  for (const stack of ["cluster", "flux-configuration", "github-secrets"])
    expect(managedResources(`staging-${stack}`)).toEqual([]);
  // Production did not notice.
  await world.cluster("production").untilReady(10);
  expect(world.project.run("diff", "--environment", "production").code).toBe(0);
});
