import { existsSync, mkdirSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { explainRefusal, pendingFiles, restoreBackups } from "../../src/static-configuration";
import { liveFiles, makeProject, read, removeProjects, snapshot, write } from "./support/project-tree";
import { configureWell, table } from "./support/run-configure";

const TABLE = table({ "example.com": "acme.io", "my-cluster": "prod" });
const FILES = {
  "flux/a.yaml": "example.com\r\nmy-cluster",
  "flux/b/it's b.yaml": Buffer.from("\xff example.com\n", "latin1"),
  "flux/c.yaml": "none\n",
};
const NOTHING = { restored: [], refused: [], alreadyOriginal: [], withoutOriginal: [] };

afterEach(removeProjects);

async function configured(): Promise<{ directory: string; originals: Record<string, string> }> {
  const directory = makeProject(FILES);
  const originals = snapshot(directory);
  await configureWell(directory, TABLE);
  return { directory, originals };
}

test("brings every original back byte for byte, and a later configuration starts over", async () => {
  const { directory, originals } = await configured();
  const configuredTree = snapshot(directory);
  expect(restoreBackups(directory)).toEqual({ ...NOTHING, restored: ["flux/a.yaml", "flux/b/it's b.yaml"] });
  expect(snapshot(directory)).toEqual(originals);
  expect(existsSync(join(directory, "flux/.backups"))).toBe(false);
  expect(pendingFiles(directory, TABLE)).toEqual(["flux/a.yaml", "flux/b/it's b.yaml"]);
  await configureWell(directory, TABLE);
  expect(snapshot(directory)).toEqual(configuredTree);
});

test("refuses all when one file was edited or deleted, lists these, and changes nothing", async () => {
  const { directory } = await configured();
  write(directory, "flux/a.yaml", "acme.io\r\nprod # mine");
  rmSync(join(directory, "flux/b/it's b.yaml"));
  const before = snapshot(directory);
  const { refused } = restoreBackups(directory);
  expect(refused).toEqual(["flux/a.yaml", "flux/b/it's b.yaml"]);
  expect(snapshot(directory)).toEqual(before);
  expect(explainRefusal(refused)).toBe(
    [
      "2 files were edited or deleted after the static configuration, so nothing was restored:",
      "  flux/a.yaml   (original: flux/.backups/a.yaml.orig)",
      "  flux/b/it's b.yaml   (original: flux/.backups/b/it's b.yaml.orig)",
      "To give these edits up and bring every original back: npm run restore -- --force",
    ].join("\n"),
  );
});

test("forced, it gives the edits up; a dry run changes nothing", async () => {
  const { directory, originals } = await configured();
  write(directory, "flux/a.yaml", "mine");
  rmSync(join(directory, "flux/b"), { recursive: true });
  const before = snapshot(directory);
  const all = { ...NOTHING, restored: ["flux/a.yaml", "flux/b/it's b.yaml"] };
  expect(restoreBackups(directory, { force: true, dryRun: true })).toEqual(all);
  expect(snapshot(directory)).toEqual(before);
  expect(restoreBackups(directory, { force: true })).toEqual(all);
  expect(snapshot(directory)).toEqual(originals);
});

test("a file that is its original again is no edit", async () => {
  const { directory, originals } = await configured();
  write(directory, "flux/a.yaml", FILES["flux/a.yaml"]);
  expect(restoreBackups(directory)).toEqual({
    ...NOTHING,
    restored: ["flux/b/it's b.yaml"],
    alreadyOriginal: ["flux/a.yaml"],
  });
  expect(snapshot(directory)).toEqual(originals);
});

test("keeps the file's mode, and a file whose original is gone", async () => {
  const directory = makeProject({ "flux/b.yaml": "example.com\n" });
  write(directory, "flux/a.yaml", "example.com\n", 0o600);
  await configureWell(directory, TABLE);
  rmSync(join(directory, "flux/.backups/b.yaml.orig"));
  expect(restoreBackups(directory)).toEqual({
    ...NOTHING,
    restored: ["flux/a.yaml"],
    withoutOriginal: ["flux/b.yaml"],
  });
  expect(statSync(join(directory, "flux/a.yaml")).mode & 0o777).toBe(0o600);
  expect(liveFiles(directory)).toEqual({ "flux/a.yaml": "example.com\n", "flux/b.yaml": "acme.io\n" });
  expect(read(directory, "flux/.backups/configured.txt")).toContain("file\tflux/b.yaml\n");
  expect(read(directory, "flux/.backups/configured.txt")).not.toContain("flux/a.yaml");
});

test("does nothing without backups", () => {
  const directory = makeProject(FILES);
  const before = snapshot(directory);
  expect(restoreBackups(directory)).toEqual(NOTHING);
  expect(snapshot(directory)).toEqual(before);
});

test("refuses while a configuration is running, and gets past a lock that a crash left", async () => {
  const { directory, originals } = await configured();
  const before = liveFiles(directory);
  mkdirSync(join(directory, "flux/.backups/.lock"));
  write(directory, "flux/.backups/.lock/owner", `${process.pid}\n`);
  expect(() => restoreBackups(directory)).toThrow(
    `flux/.backups/.lock: another run (process ${process.pid}) has worked on flux/ for more than 2 s; wait for it`,
  );
  expect(liveFiles(directory)).toEqual(before);
  // Larger than any process id of Linux or macOS.
  write(directory, "flux/.backups/.lock/owner", "99999999\n");
  restoreBackups(directory);
  expect(snapshot(directory)).toEqual(originals);
});

test("an original that was emptied restores nothing unasked", async () => {
  const { directory } = await configured();
  write(directory, "flux/.backups/a.yaml.orig", "");
  const before = snapshot(directory);
  expect(restoreBackups(directory).refused).toEqual(["flux/a.yaml"]);
  expect(snapshot(directory)).toEqual(before);
});

test("a file of the user's own that got a new name gets its old one back", async () => {
  const { directory } = await configured();
  write(directory, "flux/own.yaml", "host: wiki.acme.io\n");
  await configureWell(directory, table({ "example.com": "acme.dev", "my-cluster": "prod" }));
  await configureWell(directory, table({ "example.com": "acme.net", "my-cluster": "prod" }));
  expect(read(directory, "flux/own.yaml")).toBe("host: wiki.acme.net\n");
  expect(restoreBackups(directory).refused).toEqual([]);
  expect(read(directory, "flux/own.yaml")).toBe("host: wiki.acme.io\n");
});
