import {
  backUp,
  explainLost,
  findLostStates,
  LocalStore,
  listBackups,
  newestOwn,
  planRestoration,
  refuseLostStates,
} from "../../src/state";
import type { Workspace } from "../../src/workspace";
import { LINEAGE, OTHER_LINEAGE, stateBuffer, stateText, temporaryFolders } from "./states";

const folder = temporaryFolders();
const STACK = "staging-cluster";
const NAME = `${STACK}.tfstate`;
const npmRun = (command: string, ...args: string[]) => `npm run ${command} -- ${args.join(" ")}`;

const project = {
  name: "first-project",
  environments: [{ name: "staging" }, { name: "production" }],
} as unknown as Workspace["project"];

/** A store with a state of serial 7 and backups of serials 5, 6 and 7. */
async function deployedStore(): Promise<LocalStore> {
  const store = new LocalStore(folder());
  for (const serial of [5, 6, 7]) {
    await store.write(NAME, stateBuffer({ serial }));
    await backUp(store, STACK, { now: new Date(Date.UTC(2026, 10, 21, 18, serial)) });
  }
  return store;
}
const newest = async (store: LocalStore) => (await listBackups(store, STACK))[0] as never;

test("a state that is as it was left, one that has gone on, and one that was never begun are not lost", async () => {
  const store = await deployedStore();
  expect(await findLostStates(store, [STACK, "production-cluster"], project)).toEqual([]);
  await store.write(NAME, stateBuffer({ serial: 9, resources: [] }));
  expect(await findLostStates(store, [STACK], project)).toEqual([]);
  await store.write("production-cluster.tfstate", Buffer.from(""));
  expect(await findLostStates(store, ["production-cluster"], project)).toEqual([]);
});

describe("a state that belongs to another stack", () => {
  /** A state whose cluster and network have a name. */
  function named(name: string, options: Parameters<typeof stateText>[0] = {}): Buffer {
    const document = JSON.parse(
      stateText({
        resources: ["digitalocean_kubernetes_cluster.cluster", "digitalocean_vpc.vpc"],
        ...options,
      }),
    );
    for (const { instances } of document.resources) instances[0].attributes.name = name;
    return Buffer.from(JSON.stringify(document));
  }
  const foreignIn = async (store: LocalStore, stacks: string[]) =>
    (await findLostStates(store, stacks, project)).map(({ stack, foreign }) => [stack, foreign?.because]);

  test("is refused when the backups are of another lineage, until it is backed up itself", async () => {
    const store = await deployedStore();
    await store.write(NAME, stateBuffer({ serial: 1, lineage: OTHER_LINEAGE }));
    await expect(refuseLostStates(store, [STACK], { project, npmRun })).rejects.toThrow(
      new Error(`state of staging-cluster is not the one that was backed up (state/staging-cluster.tfstate: lineage ${OTHER_LINEAGE}, the newest backup has ${LINEAGE}): it was lost and recreated, or replaced. What the backup knows and the state doesn't is unmanaged
    Its newest backup: 20261121T180700000Z-7-1f2e3d4c.tfstate (2026-11-21 18:07:00 UTC, 2 resources, serial 7)
    Restore it: npm run state -- restore --stack staging-cluster --backup 20261121T180700000Z-7-1f2e3d4c.tfstate --force
    When the state is right: npm run state -- backup`),
    );
    await backUp(store, STACK);
    expect(await findLostStates(store, [STACK], project)).toEqual([]);
  });

  test("is refused when its cluster or network is that of another environment, also when it was backed up", async () => {
    const store = new LocalStore(folder());
    await store.write(NAME, named("first-project-production"));
    await backUp(store, STACK);
    await expect(refuseLostStates(store, [STACK], { project, npmRun })).rejects.toThrow(
      new Error(`state of staging-cluster seems to be that of production (state/staging-cluster.tfstate: its digitalocean_kubernetes_cluster.cluster is named first-project-production), so that a plan on it would change or destroy what production has
    staging-cluster has backups of this lineage, and none of another one, so that either may be the copy. Change nothing: docs/state.md#two-stacks-with-one-state says how to find out.`),
    );
  });

  test("without a backup is put aside", async () => {
    const store = new LocalStore(folder());
    await store.write(NAME, named("first-project-production"));
    await expect(refuseLostStates(store, [STACK], { project, npmRun })).rejects.toThrow(
      "No backup of its own can be read. When staging-cluster was never deployed, put that file aside;",
    );
  });

  test("that has the cluster of its own environment is never called a copy, even when the other one was backed up, too", async () => {
    const store = new LocalStore(folder());
    for (const stack of [STACK, "production-cluster"]) {
      await store.write(`${stack}.tfstate`, named("first-project-staging"));
      await backUp(store, stack);
    }
    expect(await foreignIn(store, [STACK, "production-cluster"])).toEqual([["production-cluster", "name"]]);
    // The same lineage twice in one environment is a copy all the same.
    await store.write("staging-flux-configuration.tfstate", named("first-project-staging"));
    expect(await foreignIn(store, ["staging-flux-configuration"])).toEqual([
      ["staging-flux-configuration", "copy"],
    ]);
  });

  test("is never offered as the backup of a state that was lost, nor taken as the latest", async () => {
    const store = await deployedStore();
    const own = (await newest(store)) as { name: string };
    await store.write(NAME, named("first-project-production", { serial: 9, lineage: OTHER_LINEAGE }));
    await backUp(store, STACK);
    await store.remove(NAME);
    const [lost] = await findLostStates(store, [STACK], project);
    expect(lost?.newest?.backup.name).toBe(own.name);
    expect((await newestOwn(store, STACK, project))?.name).toBe(own.name);
    expect(await planRestoration(store, STACK, await newest(store), project)).toMatchObject({
      foreign: expect.stringMatching(
        /^seems to be that of production \(state\/backups\/staging-cluster\/.*\), so that a plan on it, once it is restored, would change or destroy what production has$/,
      ),
    });
    const without = await planRestoration(store, STACK, own as never, project);
    expect(without.foreign).toBeUndefined();
  });

  test.each(["first-project-staging", "former-project-staging", "former-project-production"])(
    "is none of which the cluster is named %s",
    async (name) => {
      const store = new LocalStore(folder());
      await store.write(NAME, named(name));
      expect(await findLostStates(store, [STACK], project)).toEqual([]);
    },
  );

  test("is refused when another state has its lineage; the one that was backed up with it is not", async () => {
    const store = await deployedStore();
    await store.write("production-cluster.tfstate", stateBuffer({ serial: 7 }));
    expect(await foreignIn(store, [STACK, "production-cluster"])).toEqual([["production-cluster", "copy"]]);
    await backUp(store, "production-cluster");
    expect(await foreignIn(store, [STACK, "production-cluster"])).toEqual([
      [STACK, "copy"],
      ["production-cluster", "copy"],
    ]);
  });
});

test.each<[string, Buffer | undefined, string]>([
  [
    "cut off",
    stateBuffer({ serial: 8 }).subarray(0, 300),
    "state of staging-cluster can't be read (state/staging-cluster.tfstate): no valid JSON: it is cut off",
  ],
  [
    "empty",
    Buffer.from(""),
    "state of staging-cluster is empty (state/staging-cluster.tfstate), although it was deployed",
  ],
  [
    "missing",
    undefined,
    "state of staging-cluster is missing (state/staging-cluster.tfstate), although it was deployed",
  ],
  [
    "older",
    stateBuffer({ serial: 4 }),
    "state of staging-cluster is older than its newest backup (state/staging-cluster.tfstate: 2 resources, serial 4), so that it doesn't know all that is deployed",
  ],
])(
  "a state that is %s is lost: the newest backup and the command are named",
  async (what, content, problem) => {
    const store = await deployedStore();
    if (content) await store.write(NAME, content);
    else await store.remove(NAME);
    const otherwise =
      what === "cut off" || what === "older"
        ? ""
        : "\n    If that is meant (all of it was destroyed, say), remove its backups: state/backups/staging-cluster";
    await expect(refuseLostStates(store, [STACK], { project, npmRun })).rejects.toThrow(
      new Error(`${problem}
    Its newest backup: 20261121T180700000Z-7-1f2e3d4c.tfstate (2026-11-21 18:07:00 UTC, 2 resources, serial 7)
    Restore it: npm run state -- restore --stack staging-cluster${otherwise}`),
    );
  },
);

test("a backup that is damaged itself is passed over", async () => {
  const store = await deployedStore();
  await store.write(`backups/${STACK}/${((await newest(store)) as { name: string }).name}`, Buffer.from("{"));
  await store.write(NAME, Buffer.from("{"));
  const [lost] = await findLostStates(store, [STACK], project);
  expect(lost?.newest?.backup.serial).toBe(6);
});

test("a damaged state without a backup names the page that helps", async () => {
  const store = new LocalStore(folder());
  await store.write(NAME, Buffer.from("{"));
  const [lost] = await findLostStates(store, [STACK], project);
  expect(lost && explainLost(lost, store, { npmRun })).toBe(
    "state of staging-cluster can't be read (state/staging-cluster.tfstate): no valid JSON: it is cut off\n    No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do.",
  );
});

describe("a state without a backup that other stacks are deployed on", () => {
  /** A state of a stack that has read the outputs of another one's, as Terraform writes it down for a folder or a bucket. */
  function reading(config: object, resources = ["kubernetes_namespace_v1.flux-system"]): Buffer {
    const document = JSON.parse(stateText({ lineage: OTHER_LINEAGE, resources }));
    document.resources.push({
      mode: "data",
      type: "terraform_remote_state",
      name: "cross-stack-reference-input-staging-cluster",
      instances: [{ attributes: { config: { value: config } } }],
    });
    return Buffer.from(JSON.stringify(document));
  }
  const LOCAL = { path: "../../../state/staging-cluster.tfstate" };
  const FLUX = "staging-flux-configuration";
  const lostWith = async (store: LocalStore, stacks = [STACK]) =>
    (await findLostStates(store, stacks, project)).map(({ stack, dependents }) => [stack, dependents]);

  test.each<[string, object, Buffer | undefined]>([
    ["missing", LOCAL, undefined],
    ["empty", LOCAL, Buffer.from("")],
    ["missing", { bucket: "acme-state", key: NAME }, undefined],
  ])("is lost when it is %s, in %j", async (problem, config, content) => {
    const store = new LocalStore(folder());
    await store.write(`${FLUX}.tfstate`, reading(config));
    if (content) await store.write(NAME, content);
    await expect(refuseLostStates(store, [STACK], { project, npmRun })).rejects.toThrow(
      new Error(`state of staging-cluster is ${problem} (state/staging-cluster.tfstate), although staging-flux-configuration is deployed on it
    No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do.
    If that is meant (all of it was destroyed, say), remove the states that are deployed on it and their backups: state/staging-flux-configuration.tfstate, state/backups/staging-flux-configuration`),
    );
    await store.write("staging-github-secrets.tfstate", reading(config));
    expect(await lostWith(store)).toEqual([[STACK, [FLUX, "staging-github-secrets"]]]);
  });

  test("is named with its backups when there are some", async () => {
    const store = await deployedStore();
    await store.write(`${FLUX}.tfstate`, reading(LOCAL));
    expect(await lostWith(store)).toEqual([]);
    await store.remove(NAME);
    const [lost] = await findLostStates(store, [STACK], project);
    expect(lost && explainLost(lost, store, { npmRun })).toMatch(
      /although staging-flux-configuration is deployed on it\n {4}Its newest backup: .*\n {4}Restore it: .*\n {4}If that is meant \(all of it was destroyed, say\), remove its backups: state\/backups\/staging-cluster; and the states that are deployed on it and their backups: state\/staging-flux-configuration\.tfstate,/,
    );
    // Backups that can't be read prove nothing; a stack that is deployed on it does.
    for (const { name } of await listBackups(store, STACK))
      await store.write(`backups/${STACK}/${name}`, Buffer.from("{"));
    expect(await lostWith(store)).toEqual([[STACK, [FLUX]]]);
    await store.remove(`${FLUX}.tfstate`);
    expect(await lostWith(store)).toEqual([]);
  });

  test("is not lost when it was destroyed, nor when the others were, nor by what another environment has read", async () => {
    const store = new LocalStore(folder());
    await store.write(`${FLUX}.tfstate`, reading(LOCAL));
    await store.write(NAME, stateBuffer({ serial: 9, resources: [] }));
    expect(await lostWith(store)).toEqual([]);
    await store.remove(NAME);
    await store.write(`${FLUX}.tfstate`, reading(LOCAL, []));
    expect(await lostWith(store)).toEqual([]);
    await store.write("production-flux-configuration.tfstate", reading(LOCAL));
    expect(await lostWith(store, [STACK, "production-cluster"])).toEqual([]);
  });
});

describe("what restoring would do", () => {
  test("it names what comes back and what is forgotten, and takes a serial above everything", async () => {
    const store = await deployedStore();
    await store.write(NAME, stateBuffer({ serial: 12, resources: ["digitalocean_vpc.vpc", "a_b.new"] }));
    const oldest = (await listBackups(store, STACK)).at(-1) as never;
    expect(await planRestoration(store, STACK, oldest, project)).toMatchObject({
      returning: ["digitalocean_project.project"],
      forgotten: ["a_b.new"],
      serial: 13,
      otherLineage: false,
    });
  });

  test("the serial is above the newest backup's and that of a damaged state's beginning", async () => {
    const store = await deployedStore();
    const oldest = (await listBackups(store, STACK)).at(-1) as never;
    await store.remove(NAME);
    expect(await planRestoration(store, STACK, oldest, project)).toMatchObject({ serial: 8 });
    await store.write(NAME, stateBuffer({ serial: 40 }).subarray(0, 300));
    expect(await planRestoration(store, STACK, oldest, project)).toMatchObject({
      serial: 41,
      otherLineage: false,
    });
  });

  test("another lineage is told, of a damaged state, too", async () => {
    const store = await deployedStore();
    for (const content of [
      stateBuffer({ lineage: OTHER_LINEAGE }),
      stateBuffer({ lineage: OTHER_LINEAGE }).subarray(0, 300),
    ]) {
      await store.write(NAME, content);
      expect(await planRestoration(store, STACK, await newest(store), project)).toMatchObject({
        otherLineage: true,
      });
    }
  });

  test("a damaged backup is refused", async () => {
    const store = await deployedStore();
    const backup = (await newest(store)) as { name: string };
    await store.write(`backups/${STACK}/${backup.name}`, Buffer.from(""));
    await expect(planRestoration(store, STACK, backup as never, project)).rejects.toThrow(
      `state/backups/staging-cluster/${backup.name} is empty: choose another backup`,
    );
  });
});
