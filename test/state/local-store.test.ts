import { spawnSync } from "node:child_process";
import { mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { LocalStore } from "../../src/state";
import { REPOSITORY } from "../support/example";
import { temporaryFolders } from "./states";

const folder = temporaryFolders();

test("writes, reads, lists and removes", async () => {
  const store = new LocalStore(join(folder(), "state"));
  expect([await store.read("a.tfstate"), await store.list(""), await store.list("backups/a")]).toEqual([
    undefined,
    [],
    [],
  ]);
  await store.write("a.tfstate", Buffer.from("one"));
  await store.write("a.tfstate", Buffer.from("two"));
  await store.write("backups/a/1.tfstate", Buffer.from("copy"));
  expect((await store.read("a.tfstate"))?.toString()).toBe("two");
  expect([await store.list(""), await store.list("backups/a")]).toEqual([["a.tfstate"], ["1.tfstate"]]);
  await store.remove("a.tfstate");
  await store.remove("a.tfstate");
  expect(await store.list("")).toEqual([]);
});

test("what it makes is its owner's alone, whatever the umask", async () => {
  const store = new LocalStore(join(folder(), "state"));
  const umask = process.umask(0);
  try {
    await store.write("backups/a/1.tfstate", Buffer.from("copy"));
  } finally {
    process.umask(umask);
  }
  const mode = (...path: string[]) => statSync(join(store.folder, ...path)).mode & 0o777;
  expect([mode(), mode("backups"), mode("backups", "a"), mode("backups", "a", "1.tfstate")]).toEqual([
    0o700, 0o700, 0o700, 0o600,
  ]);
});

test("a file that can't be written whole leaves the old one as it is, and nothing besides", async () => {
  const directory = folder();
  const store = new LocalStore(join(directory, "state"));
  await store.write("a.tfstate", Buffer.from("old"));
  const bundle = join(directory, "store.cjs");
  buildSync({
    entryPoints: [join(REPOSITORY, "src/state/local-store.ts")],
    bundle: true,
    platform: "node",
    outfile: bundle,
  });
  const program = `const { LocalStore } = require(${JSON.stringify(bundle)});
    new LocalStore(${JSON.stringify(store.folder)}).write("a.tfstate", Buffer.alloc(1 << 20, "x"))
      .then(() => console.log("written"), (error) => console.log(error.message));`;
  // Blocks of 512 bytes: a write beyond the limit fails in its middle, as on a full disk.
  const { stdout } = spawnSync("sh", ["-c", 'ulimit -f 64; exec node -e "$PROGRAM"'], {
    encoding: "utf8",
    env: { ...process.env, PROGRAM: program },
  });
  expect(stdout).toMatch(/^state\/a\.tfstate can't be written: the file would be larger than the limit/);
  expect((await store.read("a.tfstate"))?.toString()).toBe("old");
  expect(readdirSync(store.folder)).toEqual(["a.tfstate"]);
});

test("what a killed write left behind is no file of the store", async () => {
  const store = new LocalStore(folder());
  await store.write("a.tfstate", Buffer.from("old"));
  writeFileSync(join(store.folder, ".a.tfstate.draft-0123456789ab"), "half of");
  expect(await store.list("")).toEqual(["a.tfstate"]);
});

test.each<[string, (store: LocalStore) => Promise<unknown>, RegExp]>([
  [
    "a folder in place of a state",
    (store) => store.read("a.tfstate"),
    /^state\/a\.tfstate can't be read: a folder stands where the file should be \(\/.*a\.tfstate\)$/,
  ],
  [
    "a file in place of the backups",
    (store) => store.write("backups/a/1.tfstate", Buffer.from("copy")),
    /^state\/backups\/a\/1\.tfstate can't be written: a file stands where a folder is needed/,
  ],
  [
    "a name that leads out",
    (store) => store.write("../a", Buffer.from("")),
    /^state\/: "\.\.\/a" leads out of it$/,
  ],
])("%s is told with the place and the reason", async (_, action, message) => {
  const store = new LocalStore(folder());
  mkdirSync(join(store.folder, "a.tfstate"));
  writeFileSync(join(store.folder, "backups"), "");
  await expect((async () => action(store))()).rejects.toThrow(message);
});
