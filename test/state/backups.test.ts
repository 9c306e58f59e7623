import fc from "fast-check";
import { backUp, backupPath, KEPT_BACKUPS, LocalStore, listBackups, readBackup } from "../../src/state";
import { OTHER_LINEAGE, stateBuffer, temporaryFolders } from "./states";

const folder = temporaryFolders();
const STACK = "staging-cluster";
const newStore = () => new LocalStore(folder());
const put = (store: LocalStore, options: Parameters<typeof stateBuffer>[0]) =>
  store.write(`${STACK}.tfstate`, stateBuffer(options));
const serials = async (store: LocalStore) => (await listBackups(store, STACK)).map(({ serial }) => serial);

test("a backup has every byte of the state and a name that tells time, serial and lineage", async () => {
  const store = newStore();
  await put(store, { serial: 12 });
  const result = await backUp(store, STACK, { now: new Date("2026-11-21T18:30:00.123Z") });
  expect(result).toEqual({
    made: true,
    backup: {
      name: "20261121T183000123Z-12-1f2e3d4c.tfstate",
      takenAt: new Date("2026-11-21T18:30:00.123Z"),
      serial: 12,
      lineage: "1f2e3d4c",
    },
    notes: [],
  });
  const [backup] = await listBackups(store, STACK);
  expect(await store.read(backupPath(STACK, backup as never))).toEqual(stateBuffer({ serial: 12 }));
});

test.each<[string, Buffer | undefined]>([
  ["no state", undefined],
  ["an empty file", Buffer.from("")],
  ["a state without resources", stateBuffer({ resources: [] })],
])("%s is not backed up", async (_, content) => {
  const store = newStore();
  if (content) await store.write(`${STACK}.tfstate`, content);
  expect(await backUp(store, STACK)).toEqual({ made: false, because: "nothing deployed" });
  expect(await listBackups(store, STACK)).toEqual([]);
});

test("a state is backed up once, and again when it has changed or when the backup was spoilt", async () => {
  const store = newStore();
  await put(store, { serial: 1 });
  expect((await backUp(store, STACK)).made).toBe(true);
  expect(await backUp(store, STACK)).toEqual({ made: false, because: "unchanged since the newest backup" });
  await put(store, { serial: 2 });
  expect((await backUp(store, STACK)).made).toBe(true);
  await put(store, { serial: 2, lineage: OTHER_LINEAGE });
  expect((await backUp(store, STACK)).made).toBe(true);
  const [newest] = await listBackups(store, STACK);
  await store.write(backupPath(STACK, newest as never), Buffer.from("{"));
  expect((await backUp(store, STACK)).made).toBe(true);
});

test("a damaged state can't be backed up, which stops an apply", async () => {
  const store = newStore();
  await store.write(`${STACK}.tfstate`, stateBuffer().subarray(0, 200));
  await expect(backUp(store, STACK)).rejects.toThrow(
    "The state of staging-cluster (state/) is damaged (no valid JSON: it is cut off), so that no backup of it can be made",
  );
});

test("a backup that can't be written stops an apply with the reason", async () => {
  const store = newStore();
  await put(store, { serial: 1 });
  await store.write("backups", Buffer.from("a file"));
  await expect(backUp(store, STACK)).rejects.toThrow(
    /state\/backups\/staging-cluster.*a file stands where a folder/s,
  );
});

test("the last 10 are kept, in the order in which they were made, however the clocks of the machines differ", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.date({ min: new Date(0), max: new Date("2100-01-01"), noInvalidDate: true }), {
        minLength: 12,
        maxLength: 14,
      }),
      async (times) => {
        const store = newStore();
        for (const [index, now] of times.entries()) {
          await put(store, { serial: index + 1 });
          await backUp(store, STACK, { now });
        }
        const expected = times.map((_, index) => times.length - index).slice(0, KEPT_BACKUPS);
        expect(await serials(store)).toEqual(expected);
      },
    ),
    { numRuns: 10 },
  );
});

test("the newest backup of a lineage that was lost is never pushed out by those of its successor", async () => {
  const store = newStore();
  for (const serial of [1, 2]) {
    await put(store, { serial, lineage: OTHER_LINEAGE });
    await backUp(store, STACK);
  }
  for (let serial = 1; serial <= 15; serial++) {
    await put(store, { serial });
    await backUp(store, STACK);
  }
  const backups = await listBackups(store, STACK);
  expect(backups).toHaveLength(KEPT_BACKUPS + 1);
  expect(backups.at(-1)).toMatchObject({ serial: 2, lineage: "99999999" });
});

test("the backup that is about to be restored stays, however old it is", async () => {
  const store = newStore();
  for (let serial = 1; serial <= 10; serial++) {
    await put(store, { serial });
    await backUp(store, STACK);
  }
  const oldest = (await listBackups(store, STACK)).at(-1);
  await put(store, { serial: 11 });
  await backUp(store, STACK, { keep: oldest?.name });
  expect(await serials(store)).toContain(1);
});

test("files of other names in the folder of the backups are left alone", async () => {
  const store = newStore();
  const own = `backups/${STACK}/my-own-copy.tfstate`;
  await store.write(own, Buffer.from("mine"));
  for (let serial = 1; serial <= 12; serial++) {
    await put(store, { serial });
    await backUp(store, STACK);
  }
  expect(await serials(store)).toEqual([12, 11, 10, 9, 8, 7, 6, 5, 4, 3]);
  expect((await store.read(own))?.toString()).toBe("mine");
});

test("an old backup that can't be removed is a note, no failure", async () => {
  class Stubborn extends LocalStore {
    override remove(name: string): Promise<void> {
      return Promise.reject(new Error(`${name} can't be removed: permission denied`));
    }
  }
  const store = new Stubborn(folder());
  for (let serial = 1; serial <= 10; serial++) {
    await put(store, { serial });
    await backUp(store, STACK);
  }
  await put(store, { serial: 11 });
  expect(await backUp(store, STACK)).toMatchObject({
    made: true,
    notes: [expect.stringMatching(/^1 old backup of staging-cluster can't be removed: .*permission denied$/)],
  });
  const oldest = (await listBackups(store, STACK)).at(-1);
  expect(await readBackup(store, STACK, oldest as never)).toMatchObject({ kind: "state", serial: 1 });
});
