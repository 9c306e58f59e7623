import {
  backUp,
  explainLost,
  findLostStates,
  LocalStore,
  listBackups,
  planRestoration,
  refuseLostStates,
} from "../../src/state";
import { OTHER_LINEAGE, stateBuffer, temporaryFolders } from "./states";

const folder = temporaryFolders();
const STACK = "staging-cluster";
const NAME = `${STACK}.tfstate`;
const npmRun = (command: string, ...args: string[]) => `npm run ${command} -- ${args.join(" ")}`;

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
  expect(await findLostStates(store, [STACK, "production-cluster"])).toEqual([]);
  await store.write(NAME, stateBuffer({ serial: 9, resources: [] }));
  expect(await findLostStates(store, [STACK])).toEqual([]);
  await store.write("production-cluster.tfstate", Buffer.from(""));
  expect(await findLostStates(store, ["production-cluster"])).toEqual([]);
});

test("a state that was begun anew is told by check and stops nobody", async () => {
  const store = await deployedStore();
  await store.write(NAME, stateBuffer({ serial: 1, lineage: OTHER_LINEAGE }));
  expect(await findLostStates(store, [STACK])).toEqual([]);
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
      what === "cut off"
        ? ""
        : "\n    If that is meant (all of it was destroyed, say), remove its backups: state/backups/staging-cluster";
    await expect(refuseLostStates(store, [STACK], npmRun)).rejects.toThrow(
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
  const [lost] = await findLostStates(store, [STACK]);
  expect(lost?.newest?.backup.serial).toBe(6);
});

test("a damaged state without a backup names the page that helps", async () => {
  const store = new LocalStore(folder());
  await store.write(NAME, Buffer.from("{"));
  const [lost] = await findLostStates(store, [STACK]);
  expect(lost && explainLost(lost, store, npmRun)).toBe(
    "state of staging-cluster can't be read (state/staging-cluster.tfstate): no valid JSON: it is cut off\n    No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do.",
  );
});

describe("what restoring would do", () => {
  test("it names what comes back and what is forgotten, and takes a serial above everything", async () => {
    const store = await deployedStore();
    await store.write(NAME, stateBuffer({ serial: 12, resources: ["digitalocean_vpc.vpc", "a_b.new"] }));
    const oldest = (await listBackups(store, STACK)).at(-1) as never;
    expect(await planRestoration(store, STACK, oldest)).toMatchObject({
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
    expect(await planRestoration(store, STACK, oldest)).toMatchObject({ serial: 8 });
    await store.write(NAME, stateBuffer({ serial: 40 }).subarray(0, 300));
    expect(await planRestoration(store, STACK, oldest)).toMatchObject({ serial: 41, otherLineage: false });
  });

  test("another lineage is told, of a damaged state, too", async () => {
    const store = await deployedStore();
    for (const content of [
      stateBuffer({ lineage: OTHER_LINEAGE }),
      stateBuffer({ lineage: OTHER_LINEAGE }).subarray(0, 300),
    ]) {
      await store.write(NAME, content);
      expect(await planRestoration(store, STACK, await newest(store))).toMatchObject({ otherLineage: true });
    }
  });

  test("a damaged backup is refused", async () => {
    const store = await deployedStore();
    const backup = (await newest(store)) as { name: string };
    await store.write(`backups/${STACK}/${backup.name}`, Buffer.from(""));
    await expect(planRestoration(store, STACK, backup as never)).rejects.toThrow(
      `state/backups/staging-cluster/${backup.name} is empty: choose another backup`,
    );
  });
});
