import { setTimeout as sleep } from "node:timers/promises";
import { addressed } from "../../src/place";
import type { CliResult } from "../support/sandbox-project";
import {
  type DesiredState,
  desiredState,
  releaseStates,
  untilStateIs,
  workloadGenerations,
} from "./support/desired-state";
import { type LiveCluster, readyMessage, until } from "./support/live-cluster";
import { LiveWorld } from "./support/live-world";
import { measure, secondsSince } from "./support/measurements";
import { placeOf, TREE_FAULTS, type TreeFault, withFaults } from "./support/tree-faults";
import { untilTried } from "./support/tree-revision";

const ENVIRONMENT = "staging";
const SMALL = "s-2vcpu-4gb";
const LARGE = "s-4vcpu-8gb";
const LARGER = "s-8vcpu-16gb";
const CONTROLLERS = ["source-controller", "kustomize-controller", "helm-controller"] as const;

/** In seconds, and generous: nothing here is about speed. */
const PATIENCE = 240;

let world: LiveWorld;
let cluster: LiveCluster;

/** What the cluster is asked to run after runs that nothing disturbed, before and after the push of {@link labelEverything}. */
const undisturbed: Record<"small" | "large" | "largeLabelled", DesiredState> = {
  small: new Map(),
  large: new Map(),
  largeLabelled: new Map(),
};

beforeAll(async () => {
  world = await LiveWorld.start({
    name: "faults",
    environments: [ENVIRONMENT],
    configure: (document) => {
      document.environments = document.environments.filter(
        ({ name }: { name: string }) => name === ENVIRONMENT,
      );
      // Forth and back between two node sizes: volumes only grow, so they have their last size from the beginning.
      document.environments[0].storage = { fast: { size: "10Gi" }, bulk: { size: "100Gi" } };
      // Applications whose own sizes are stated go on a profile, so that they follow the nodes.
      document.applications.chatbox = { profile: "medium" };
      document.applications.fade = { profile: "small" };
    },
  });
  cluster = world.cluster(ENVIRONMENT);
  await world.deployAndPublish(PATIENCE);
  undisturbed.small = await desiredState(cluster.api);
});

afterAll(async () => {
  await world?.stop();
});

describe("mistakes in the tree", () => {
  const systems = TREE_FAULTS.map(({ system }) => system);
  let validation: CliResult;
  let places: Map<TreeFault, string>;
  let takeBack: () => void;
  let generations: Record<string, number>;

  beforeAll(async () => {
    generations = await workloadGenerations(cluster.api);
    expect(Object.keys(generations).length).toBeGreaterThan(10);
    takeBack = withFaults(world, TREE_FAULTS);
    places = new Map(TREE_FAULTS.map((fault) => [fault, placeOf(world, fault)]));
    validation = world.project.run("validate", "--environment", ENVIRONMENT);
    await world.push("Several mistakes");
    await untilTried(world, ENVIRONMENT, { failing: systems, patience: PATIENCE });
  });

  test("validate fails before anything is pushed", () => {
    expect(validation.code).toBe(1);
  });

  test.each(TREE_FAULTS)("$mistake: validate names the line, the reason and what to do", (fault) => {
    const { name, directory } = world.project.project;
    const finding = addressed(
      directory,
      fault.finding.replace("{place}", places.get(fault) as string).replace("{sandbox}", name),
    );
    expect(validation.stdout.split("\n").map((line) => line.trim())).toContain(finding);
  });

  test.each(TREE_FAULTS)("$mistake: Flux says it in its own words, for $system alone", async (fault) => {
    const kustomization = await cluster.api.get("Kustomization", "flux-system", fault.system);
    expect(readyMessage(kustomization)).toMatch(fault.message);
  });

  test("the systems without a mistake are at the new commit, and every workload stays as it was", async () => {
    await untilTried(world, ENVIRONMENT, { failing: systems, patience: 0 });
    expect(await workloadGenerations(cluster.api)).toEqual(generations);
  });

  test("status shows Flux's messages in full", () => {
    const status = world.project.run("status", "--environment", ENVIRONMENT);
    expect(status.code).toBe(2);
    for (const { system } of TREE_FAULTS) expect(status.stdout).toContain(system);
    const words = status.stdout.replace(/\s+/g, " ");
    for (const { message } of TREE_FAULTS) expect(words).toMatch(message);
  });

  test("without the mistakes everything recovers", async () => {
    takeBack();
    await world.push("Without the mistakes");
    const begin = performance.now();
    await untilTried(world, ENVIRONMENT, { patience: PATIENCE });
    await deleted("ConfigMap", "flux-system", "log-settings");
    await untilStateIs(cluster, undisturbed.small, PATIENCE);
    measure(
      "faults",
      "mistakes in eight systems: from the correction's push until everything is ready",
      secondsSince(begin),
    );
    expect(await workloadGenerations(cluster.api)).toEqual(generations);
  });
});

test("infrastructure-vars deleted by hand: Flux says so, and the next deploy brings everything back", async () => {
  const { api } = cluster;
  await api.delete("ConfigMap", "flux-system", "infrastructure-vars");
  await until(PATIENCE, async () => {
    const kustomization = await api.get("Kustomization", "flux-system", "infrastructure-controllers");
    const missing =
      "substitute from 'ConfigMap/infrastructure-vars' error: configmaps \"infrastructure-vars\" not found";
    return readyMessage(kustomization).includes(missing) ? undefined : readyMessage(kustomization);
  });

  expect(deploy().stdout).toContain("In all: 1 created");

  const begin = performance.now();
  await untilStateIs(cluster, undisturbed.small, PATIENCE);
  measure(
    "faults",
    "infrastructure-vars deleted: from the end of deploy until everything is ready",
    secondsSince(begin),
  );
});

describe("faults of the machinery", () => {
  // What a test that failed has left away must not fail the others.
  afterEach(async () => {
    cluster.statusWriter.resume();
    await cluster.controlPlane.startApiServer();
    for (const controller of CONTROLLERS) await cluster.flux.start(controller);
  });

  beforeAll(async () => {
    useNodeSize(LARGE);
    deploy();
    await untilSizesDifferFrom(undisturbed.small);
    undisturbed.large = await desiredState(cluster.api);
    await labelEverything(true);
    await untilTried(world, ENVIRONMENT, { patience: PATIENCE });
    await cluster.untilReady(PATIENCE);
    undisturbed.largeLabelled = await desiredState(cluster.api);
    expect(await labelled()).toEqual({ yes: expect.any(Number), no: 0 });
  });

  test("another node size while releases are still being upgraded to the last one: none goes back in between", async () => {
    const { statusWriter } = cluster;
    const sizes = new SizesSeen();
    const watching = sizes.watch();
    // No new pod becomes ready, so that the upgrades can't end.
    statusWriter.pause();
    useNodeSize(LARGER);
    deploy();
    await untilUpgrading();
    useNodeSize(SMALL);
    deploy();
    const begin = performance.now();
    statusWriter.resume();
    await untilSizesAre(undisturbed.small);
    await cluster.untilReady(PATIENCE);
    measure(
      "faults",
      "another node size during upgrades: from the end of deploy until everything is ready",
      secondsSince(begin),
    );
    sizes.stop();
    await watching;
    sizes.expectChanges();
    expect(sizes.goneBack()).toEqual([]);
  });

  test("source-, kustomize- and helm-controller killed while releases are being upgraded", async () => {
    const { api, flux, processes, statusWriter } = cluster;
    const sizes = new SizesSeen();
    const watching = sizes.watch();
    statusWriter.pause();
    useNodeSize(LARGE);
    deploy();
    await untilUpgrading();
    await Promise.all(CONTROLLERS.map((controller) => processes.stop(controller, "SIGKILL")));
    expect([...(await releaseStates(api)).values()]).toContain("pending-upgrade");
    // They find a new commit too when they are back.
    await labelEverything(false);

    // In a cluster Kubernetes does it: the container of a Deployment's pod is started again, with its files.
    const begin = performance.now();
    for (const controller of CONTROLLERS) await flux.start(controller);
    statusWriter.resume();
    await untilStateIs(cluster, undisturbed.large, PATIENCE);
    measure(
      "faults",
      "three controllers killed in the middle of upgrades: from their start until everything is ready",
      secondsSince(begin),
    );
    sizes.stop();
    await watching;
    sizes.expectChanges();
    expect(sizes.goneBack()).toEqual([]);
  });

  test("the API server killed while Flux applies a push", async () => {
    const { processes, controlPlane } = cluster;
    const before = await untilHalfLabelled();
    await processes.stop("kube-apiserver", "SIGKILL");
    await sleep(5000);

    const begin = performance.now();
    await controlPlane.startApiServer();
    await untilStateIs(cluster, undisturbed.largeLabelled, PATIENCE);
    measure(
      "faults",
      `API server killed with ${before.yes} of ${before.yes + before.no} objects applied: from its start until everything is ready`,
      secondsSince(begin),
    );
  });

  test("Git and the chart repository away: sizes follow the nodes meanwhile, a push arrives once Git is back", async () => {
    const { api } = cluster;
    await world.git.pause();
    await world.charts.close();
    const away = performance.now();
    await labelEverything(false);
    await until(PATIENCE, async () => {
      const message = readyMessage(await api.get("GitRepository", "flux-system", "flux-system"));
      return /connection refused/.test(message) ? undefined : message;
    });
    useNodeSize(SMALL);
    deploy();
    await untilSizesAre(undisturbed.small);
    expect((await labelled()).no).toBe(0);
    await sleep(Math.max(0, 20_000 - (performance.now() - away)));
    await world.git.resume();

    const begin = performance.now();
    await untilStateIs(cluster, undisturbed.small, PATIENCE);
    measure(
      "faults",
      "Git away for 20 s: from its return until everything is ready, the pushed commit included",
      secondsSince(begin),
    );
  });

  test("the API server killed while deploy is at work: deploy says what it could not reach, and the next one finishes", async () => {
    const { processes, controlPlane } = cluster;
    useNodeSize(LARGE);
    const running = world.project.start("deploy", "--yes", "--environment", ENVIRONMENT);
    await until(PATIENCE, async () => (/^Apply$/m.test(running.output()) ? undefined : running.output()));
    await processes.stop("kube-apiserver", "SIGKILL");
    const { code, stdout, stderr } = await running.finished;

    expect(code).toBe(1);
    expect(`${stdout}${stderr}`).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
    expect(stdout).toMatch(/^ {2}staging-cluster .* applied$/m);
    expect(stdout).toMatch(/^ {2}staging-flux-configuration .* failed$/m);
    expect(stderr).toContain(
      `kubernetes_config_map_v1.infrastructure-vars: Get "${cluster.api.url}/api/v1/namespaces/flux-system/configmaps/infrastructure-vars": dial tcp`,
    );
    expect(stderr).toContain("connection refused");
    expect(stderr).toContain(
      "The deployment is not complete. What was done is in the state; `npm run deploy",
    );

    const begin = performance.now();
    await controlPlane.startApiServer();
    // The nodes are those of the new size already, and nothing is made twice.
    const next = deploy().stdout;
    expect(next).toContain("staging-cluster  no changes");
    expect(next).toContain("In all: 2 changed");
    await untilStateIs(cluster, undisturbed.large, PATIENCE);
    measure(
      "faults",
      "API server killed during deploy: from its start until everything is ready, a second deploy included",
      secondsSince(begin),
    );
  });
});

/** Where the sizes of applications are seen, of a Kustomize app, of our chart and of third-party charts. */
const SIZED = [
  "Deployment chatbox/chatbox",
  "StatefulSet traversion-system/timescaledb",
  "StatefulSet fade/repram-node",
  "Deployment mattermost/mattermost",
  "Deployment nextcloud/nextcloud",
] as const;

function useNodeSize(size: string): void {
  world.project.project.configure((document) => {
    document.environments[0].cluster.nodeSize = size;
  });
}

function deploy(): CliResult {
  return world.project.deploy("--environment", ENVIRONMENT);
}

/** The requests of the applications' first containers. */
function sizesIn(state: DesiredState): Record<string, string> {
  const sizeOf = (name: string): string => {
    const { spec } = JSON.parse(state.get(name) ?? "{}");
    return JSON.stringify(spec?.template.spec.containers[0].resources.requests);
  };
  return Object.fromEntries(SIZED.map((name) => [name, sizeOf(name)]));
}

async function untilSizesDifferFrom(state: DesiredState): Promise<void> {
  const before = sizesIn(state);
  await until(PATIENCE, async () => {
    const now = sizesIn(await desiredState(cluster.api));
    const same = SIZED.filter((name) => now[name] === before[name]);
    return same.length === 0 ? undefined : `not changed yet: ${same.join(", ")}`;
  });
  await cluster.untilReady(PATIENCE);
}

async function untilSizesAre(state: DesiredState): Promise<void> {
  const wanted = sizesIn(state);
  await until(PATIENCE, async () => {
    const now = sizesIn(await desiredState(cluster.api));
    const other = SIZED.filter((name) => now[name] !== wanted[name]);
    return other.length === 0 ? undefined : `not changed yet: ${other.join(", ")}`;
  });
}

async function untilUpgrading(): Promise<void> {
  await until(PATIENCE, async () => {
    const states = [...(await releaseStates(cluster.api)).values()];
    return states.includes("pending-upgrade") ? undefined : "no release is being upgraded";
  });
}

/** The sizes that each application had one after the other. */
class SizesSeen {
  private readonly seen = new Map<string, string[]>(SIZED.map((name) => [name, []]));
  private stopped = false;

  /** Looks until it is stopped. */
  async watch(): Promise<void> {
    while (!this.stopped) {
      const now = sizesIn(await desiredState(cluster.api).catch(() => new Map()));
      for (const [name, sizes] of this.seen) {
        const size = now[name];
        if (size !== undefined && sizes.at(-1) !== size) sizes.push(size);
      }
      await sleep(100);
    }
  }

  stop(): void {
    this.stopped = true;
  }

  /** Fails when too little was seen to say anything: each application has changed its size. */
  expectChanges(): void {
    for (const [name, sizes] of this.seen) expect([name, sizes.length > 1]).toEqual([name, true]);
  }

  /** Applications that got a size again that they had left: their pods were replaced for nothing. */
  goneBack(): string[] {
    return [...this.seen]
      .filter(([, sizes]) => new Set(sizes).size < sizes.length)
      .map(([name, sizes]) => `${name}: ${sizes.join(" → ")}`);
  }
}

const LABELS = "  commonMetadata:\n    labels:\n";
const REVIEWED = '      reviewed: "2026"\n';

/** Pushes a change that reaches every object of the tree: a label more, or takes it back. */
async function labelEverything(wanted: boolean): Promise<void> {
  for (const name of await systemNames()) {
    world.project.edit(`flux/clusters/${ENVIRONMENT}/${name}.yaml`, (text) => {
      if (!text.includes(LABELS)) throw new Error(`the Kustomization ${name} has no commonMetadata.labels`);
      const without = text.replace(REVIEWED, "");
      return wanted ? without.replace(LABELS, LABELS + REVIEWED) : without;
    });
  }
  await world.push(wanted ? "A label for everything" : "Without the label");
}

async function systemNames(): Promise<string[]> {
  const kustomizations = await cluster.api.list("Kustomization");
  return kustomizations.map(({ metadata }) => metadata.name).filter((name) => name !== "flux-system");
}

/** How many objects of the tree have the label, and how many don't yet. */
async function labelled(): Promise<{ yes: number; no: number }> {
  const count = { yes: 0, no: 0 };
  for (const kind of [
    "Namespace",
    "Service",
    "ConfigMap",
    "PersistentVolumeClaim",
    "Deployment",
    "StatefulSet",
    "HelmRelease",
  ]) {
    for (const { metadata } of await cluster.api.list(kind)) {
      if (metadata.labels?.["hybrid-gitops/cluster"] === undefined) continue;
      count[metadata.labels.reviewed === undefined ? "no" : "yes"] += 1;
    }
  }
  return count;
}

/**
 * Pushes the label for everything and waits until some objects have it and others don't. On a busy machine a look can come too late:
 * then the label is taken back and pushed again.
 */
async function untilHalfLabelled(): Promise<{ yes: number; no: number }> {
  for (let attempt = 1; ; attempt++) {
    await labelEverything(true);
    let seen = { yes: 0, no: 0 };
    await until(PATIENCE, async () => {
      seen = await labelled();
      return seen.yes > 0 ? undefined : "nothing is applied yet";
    });
    if (seen.no > 0) return seen;
    if (attempt === 5) throw new Error("five times everything had the label before the first look");
    await labelEverything(false);
    await until(PATIENCE, async () =>
      (await labelled()).yes === 0 ? undefined : "the label is still there",
    );
  }
}

async function deleted(kind: string, namespace: string, name: string): Promise<void> {
  await until(PATIENCE, async () =>
    (await cluster.api.find(kind, namespace, name)) === undefined
      ? undefined
      : `${kind} ${name} is still there`,
  );
}
