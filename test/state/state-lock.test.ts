import { type ChildProcess, spawn } from "node:child_process";
import { copyFileSync, openSync } from "node:fs";
import { join } from "node:path";
import { describeLock, LocalStore, type StateStore, stateLock } from "../../src/state";
import { stateBuffer, temporaryFolders } from "./states";

const folder = temporaryFolders();
const STACK = "staging-cluster";
const INFO = Buffer.from(
  JSON.stringify({
    ID: "3f6a",
    Operation: "OperationTypeApply",
    Who: "kim@laptop",
    Created: "2026-11-21T18:30:00.5Z",
  }),
);
const children: ChildProcess[] = [];
afterEach(() => {
  for (const child of children.splice(0)) child.kill("SIGKILL");
});

test("without a lock there is none", async () => {
  expect(await stateLock(new LocalStore(folder()), STACK)).toBeUndefined();
});

test("a local lock whose process is gone is told as left behind", async () => {
  const store = new LocalStore(folder());
  await store.write(`${STACK}.tfstate`, stateBuffer());
  await store.write(`.${STACK}.tfstate.lock.info`, INFO);
  const lock = await stateLock(store, STACK);
  expect(lock).toMatchObject({ status: "left behind", id: "3f6a", who: "kim@laptop" });
  expect(lock && describeLock(lock)).toBe(
    "left behind by kim@laptop since 2026-11-21 18:30:00 UTC, for apply",
  );
});

test("a terraform that has the state open holds it", async () => {
  const store = new LocalStore(folder());
  await store.write(`${STACK}.tfstate`, stateBuffer());
  await store.write(`.${STACK}.tfstate.lock.info`, INFO);
  // A program of that name is what can be seen of terraform's lock from outside.
  const program = join(store.folder, "terraform");
  copyFileSync("/bin/sleep", program);
  const state = openSync(join(store.folder, `${STACK}.tfstate`), "r+");
  const child = spawn(program, ["60"], { stdio: ["ignore", "ignore", "ignore", state] });
  children.push(child);
  await new Promise((resolve) => child.once("spawn", resolve));
  const lock = await stateLock(store, STACK);
  expect(lock).toMatchObject({
    status: "held",
    who: "kim@laptop",
    process: `terraform (process ${child.pid})`,
  });
});

test.each([
  ["whole", INFO, "held, or left behind by kim@laptop since 2026-11-21 18:30:00 UTC, for apply"],
  ["cut off", INFO.subarray(0, 20), "held, or left behind"],
])("a lock in a bucket that is %s is a lock: who made it can't be asked", async (_, content, words) => {
  const bucket: StateStore = {
    description: "bucket acme-state in nyc3",
    read: async (name) => (name === `${STACK}.tfstate.tflock` ? content : undefined),
    write: async () => undefined,
    remove: async () => undefined,
    list: async () => [],
    listFolders: async () => [],
  };
  const lock = await stateLock(bucket, STACK);
  expect([lock?.status, lock && describeLock(lock)]).toEqual(["unknown", words]);
});
