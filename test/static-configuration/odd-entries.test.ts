import { spawnSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { pendingFiles, restoreBackups } from "../../src/static-configuration";
import { liveFiles, makeProject, read, removeProjects, snapshot, write } from "./support/project-tree";
import { configure, configureWell, table } from "./support/run-configure";
import { removeToolsets, toolsets } from "./support/toolsets";

const TABLE = table({ "example.com": "my-example.com", "my-cluster": "prod" });

afterEach(removeProjects);
afterAll(removeToolsets);

describe.each(toolsets())("with $name", (tools) => {
  afterEach(() => expect(tools.violations()).toBe(""));

  const bytesInNames = process.platform === "linux" ? test : test.skip;
  bytesInNames("names that are not UTF-8 are configured, recorded and restored", async () => {
    const directory = makeProject({ "flux/a.yaml": "none\n" });
    const name = Buffer.concat([Buffer.from(directory), Buffer.from("/flux/caf\xe9 \xff.yaml", "latin1")]);
    writeFileSync(name, "example.com\n");
    expect(pendingFiles(directory, TABLE)).toHaveLength(1);
    await configureWell(directory, TABLE, { tools });
    expect(readFileSync(name, "utf8")).toBe("my-example.com\n");
    expect(pendingFiles(directory, TABLE)).toEqual([]);
    const later = table({ "example.com": "acme.io", "my-cluster": "prod" });
    expect(pendingFiles(directory, later)).toHaveLength(1);
    await configureWell(directory, later, { tools });
    expect(readFileSync(name, "utf8")).toBe("acme.io\n");
    const { restored, refused, withoutOriginal } = restoreBackups(directory);
    expect([restored.length, refused, withoutOriginal]).toEqual([1, [], []]);
    expect(readFileSync(name, "utf8")).toBe("example.com\n");
    expect(readdirSync(join(directory, "flux"))).toHaveLength(2);
  });

  test("a pipe, a socket, links that lead nowhere, out of the tree or in a circle are left as they are", async () => {
    const directory = makeProject({
      "flux/a.yaml": "example.com\n",
      "flux/empty.yaml": "",
      "outside/b.yaml": "example.com\n",
    });
    expect(spawnSync("mkfifo", [join(directory, "flux/pipe.yaml")]).status).toBe(0);
    const server = createServer();
    await new Promise<void>((listening) => server.listen(join(directory, "flux/socket.yaml"), listening));
    for (const [link, target] of [
      ["dangling.yaml", "nowhere.yaml"],
      ["self.yaml", "self.yaml"],
      ["circle", "."],
      ["out.yaml", "../outside/b.yaml"],
      ["out", "../outside"],
    ] as const)
      symlinkSync(target, join(directory, "flux", link));
    try {
      expect(pendingFiles(directory, TABLE)).toEqual(["flux/a.yaml"]);
      expect(await configureWell(directory, TABLE, { tools })).toContain("1 file configured");
      expect(pendingFiles(directory, TABLE)).toEqual([]);
      expect(lstatSync(join(directory, "flux/pipe.yaml")).isFIFO()).toBe(true);
      expect(lstatSync(join(directory, "flux/socket.yaml")).isSocket()).toBe(true);
      expect(lstatSync(join(directory, "flux/out.yaml")).isSymbolicLink()).toBe(true);
      expect(read(directory, "outside/b.yaml")).toBe("example.com\n");
      expect(restoreBackups(directory).restored).toEqual(["flux/a.yaml"]);
    } finally {
      await new Promise((closed) => server.close(closed));
    }
  });

  test.each(["tr_TR.UTF-8", "C.UTF-8", "C", "de_DE.ISO-8859-1"])(
    "in the locale %s it does the same",
    async (locale) => {
      const text =
        "I\u0130\u0131i example.com MY-CLUSTER my-cluster \u00e9\r\nmixed my-cluster\nlast example.com";
      const directory = makeProject({ "flux/\u0130 a.yaml": text });
      await configureWell(directory, TABLE, { tools, environment: { LC_ALL: locale, LANG: locale } });
      expect(Buffer.from(read(directory, "flux/\u0130 a.yaml"), "latin1").toString("utf8")).toBe(
        "I\u0130\u0131i my-example.com MY-CLUSTER prod \u00e9\r\nmixed prod\nlast my-example.com",
      );
    },
  );

  test("a folder with a name of the run's own is refused, since its originals would go with the run", async () => {
    for (const folder of [".run", ".lock"]) {
      const directory = makeProject({
        "flux/a.yaml": "example.com\n",
        [`flux/${folder}/b.yaml`]: "example.com\n",
      });
      const before = liveFiles(directory);
      const { status, stderr } = await configure(directory, TABLE, { tools });
      expect([status, stderr]).toEqual([
        1,
        `static configuration: flux/${folder}: a folder of this name has no place for originals in flux/.backups; rename it\n`,
      ]);
      expect(liveFiles(directory)).toEqual(before);
    }
  });

  test("a folder where an original has to be kept stops it before anything is changed", async () => {
    const directory = makeProject({
      "flux/a.yaml": "example.com\n",
      "flux/a.yaml.orig/b.yaml": "example.com\n",
    });
    const before = liveFiles(directory);
    for (const _ of ["first", "second"]) {
      const { status, stderr } = await configure(directory, TABLE, { tools });
      expect([status, stderr]).toEqual([
        1,
        "static configuration: flux/a.yaml.orig: is a folder, and the original of flux/a.yaml is to have its name in flux/.backups; rename it\n",
      ]);
      expect(liveFiles(directory)).toEqual(before);
    }
  });
});

test("edits that a later run took over are no reason to restore: also when the record was lost", async () => {
  const directory = makeProject({ "flux/a.yaml": "example.com\n" });
  await configureWell(directory, TABLE);
  rmSync(join(directory, "flux/.backups/configured.txt"));
  write(directory, "flux/a.yaml", "mine: my-cluster\n");
  await configureWell(directory, TABLE);
  const before = snapshot(directory);
  expect(before["flux/a.yaml"]).toBe("mine: prod\n");
  expect(before["flux/.backups/a.yaml.orig"]).toBe("example.com\n");
  expect(restoreBackups(directory).refused).toEqual(["flux/a.yaml"]);
  expect(snapshot(directory)).toEqual(before);
});

test("a placeholder that joined the table later is no edit", async () => {
  const directory = makeProject({ "flux/a.yaml": "example.com later.x\n" });
  await configureWell(directory, TABLE);
  await configureWell(directory, [...TABLE, ...table({ "later.x": "now" })]);
  expect(restoreBackups(directory).refused).toEqual([]);
  expect(snapshot(directory)).toEqual({ "flux/a.yaml": "example.com later.x\n" });
});
