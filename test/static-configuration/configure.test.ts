import { chmodSync, existsSync, lstatSync, mkdirSync, rmSync, statSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { SANDBOX_DIRECTORY } from "../../src/place";
import { configure as configureHere, pendingFiles, readRecord } from "../../src/static-configuration";
import { backupOf } from "../../src/static-configuration/paths";
import {
  liveFiles,
  makeProject,
  read,
  removeProjects,
  snapshot,
  snapshotAsFirst,
  write,
} from "./support/project-tree";
import { configure, configureWell, table } from "./support/run-configure";
import { removeToolsets, toolsets } from "./support/toolsets";

const TABLE = table({
  "example.com": "acme.io",
  "chat.example.com": "talk.acme.io",
  "staging.example.com": "test.acme.io",
  "chat.staging.example.com": "talk.test.acme.io",
  "admin@example.com": "ops@acme.io",
  "my-cluster": "acme-production",
  "my-cluster-staging": "acme-staging",
});

const sets = toolsets();
afterEach(removeProjects);
afterAll(removeToolsets);

describe.each(sets)("configuring with $name", (tools) => {
  afterEach(() => expect(tools.violations()).toBe(""));

  /** Configures one file with this text and gives what it became. */
  async function configured(text: string | Buffer, replacements = TABLE): Promise<string> {
    const directory = makeProject({ "flux/file.yaml": text });
    await configureWell(directory, replacements, { tools });
    expect(pendingFiles(directory, replacements)).toEqual([]);
    return read(directory, "flux/file.yaml");
  }

  test("replaces whole tokens only, the longest first, whatever stands around them", async () => {
    const cases: Record<string, string> = {
      "host: example.com": "host: acme.io",
      "host: chat.example.com": "host: talk.acme.io",
      "host: chat.staging.example.com": "host: talk.test.acme.io",
      "host: grafana.example.com": "host: grafana.acme.io",
      "url: https://example.com/path": "url: https://acme.io/path",
      "mail: admin@example.com": "mail: ops@acme.io",
      "mail: someone@example.com": "mail: someone@acme.io",
      "name: my-cluster": "name: acme-production",
      "name: my-cluster-staging": "name: acme-staging",
      'list: ["example.com","example.com"]': 'list: ["acme.io","acme.io"]',
      "example.com example.com example.com": "acme.io acme.io acme.io",
      "A sentence about example.com.": "A sentence about acme.io.",
      "example.com. And more": "acme.io. And more",
      "example.com..": "acme.io..",
      "example.com:443,example.com;example.com": "acme.io:443,acme.io;acme.io",
      "host: myexample.com": "host: myexample.com",
      "host: my-example.com": "host: my-example.com",
      "host: my_example.com": "host: my_example.com",
      "host: example.community": "host: example.community",
      "host: example.com.au": "host: example.com.au",
      "host: example.com-old": "host: example.com-old",
      "host: example.com_old": "host: example.com_old",
      "host: example.com.example.com": "host: example.com.acme.io",
      "host: exampleXcom": "host: exampleXcom",
      "name: my-cluster-development": "name: my-cluster-development",
      "name: not-my-cluster": "name: not-my-cluster",
    };
    const text = await configured(`${Object.keys(cases).join("\n")}\n`);
    expect(text.split("\n").slice(0, -1)).toEqual(Object.values(cases));
  });

  test("writes values and finds placeholders with every special character of sed, grep and the shell", async () => {
    const special = `|&\\/.*[]^$+?(){}'"\`!#%;~<>= \\1\\n&&`;
    const replacements = table({ "a.b*c[d]e": special, [`x${special}x`]: "plain", $HOME1: "never" }).slice(
      0,
      2,
    );
    const text = await configured(`1: a.b*c[d]e\n2: aXbcd\n3: x${special}x\n4: abc\n`, replacements);
    expect(text).toBe(`1: ${special}\n2: aXbcd\n3: plain\n4: abc\n`);
  });

  test("does not search a value again, in the same run or in a later one", async () => {
    const replacements = table({ "example.com": "eu.example.com", one: "two", two: "three" });
    const directory = makeProject({ "flux/a.yaml": "example.com one two\n" });
    await configureWell(directory, replacements, { tools });
    expect(read(directory, "flux/a.yaml")).toBe("eu.example.com two three\n");
    const before = snapshot(directory);
    expect(await configureWell(directory, replacements, { tools })).toContain("nothing left to replace");
    // Edited: what resembles a value stays, the rest would be replaced.
    write(directory, "flux/a.yaml", "eu.example.com two three # mine\n");
    await configureWell(directory, replacements, { tools });
    expect(snapshot(directory)).toEqual({ ...before, "flux/a.yaml": "eu.example.com two three # mine\n" });
    expect(pendingFiles(directory, replacements)).toEqual([]);
  });

  test("keeps CRLF, a missing line end, bytes that are not UTF-8, control characters and long lines", async () => {
    const long = `${"x".repeat(10_000)} example.com ${"y".repeat(10_000)}`;
    expect(await configured("a: example.com\r\nb: 1\r\n")).toBe("a: acme.io\r\nb: 1\r\n");
    expect(await configured("a: 1\nb: example.com")).toBe("a: 1\nb: acme.io");
    expect(await configured("example.com")).toBe("acme.io");
    expect(await configured("a: example.com\n\n\n")).toBe("a: acme.io\n\n\n");
    expect(await configured(Buffer.from("\xff\xfe example.com \xe9", "latin1"))).toBe(
      "\xff\xfe acme.io \xe9",
    );
    expect(await configured("a\x01b \x02 example.com \x03\n")).toBe("a\x01b \x02 acme.io \x03\n");
    expect(await configured(long)).toBe(long.replace("example.com", "acme.io"));
  });

  test("works on names with spaces, quotes, backslashes, percent signs and line breaks", async () => {
    const names = [
      "a b.yaml",
      'it\'s "q".yml',
      "back\\slash.yaml",
      "100%25.yaml",
      "two\nlines.yaml",
      "-n.yaml",
      "$(x) `y`.yaml",
      "*.yaml",
    ];
    const files = Object.fromEntries(names.map((name) => [`flux/dir with\n break/${name}`, "example.com\n"]));
    const directory = makeProject(files);
    await configureWell(directory, TABLE, { tools });
    expect(liveFiles(directory)).toEqual(
      Object.fromEntries(
        Object.keys(files)
          .sort()
          .map((path) => [path, "acme.io\n"]),
      ),
    );
    for (const path of Object.keys(files)) expect(read(directory, backupOf(path))).toBe("example.com\n");
    expect([...(readRecord(directory)?.files ?? [])].sort()).toEqual(Object.keys(files).sort());
    expect(pendingFiles(directory, TABLE)).toEqual([]);
  });

  test("leaves other files, backups and everything behind symbolic links alone", async () => {
    const directory = makeProject({
      "flux/a.yaml": "example.com\n",
      "flux/readme.md": "example.com\n",
      "flux/data.json": "example.com\n",
      "flux/.backups/old.yaml": "example.com\n",
      "flux/.hidden/b.yml": "example.com\n",
      "outside/c.yaml": "example.com\n",
    });
    symlinkSync("../outside", join(directory, "flux/linked"));
    symlinkSync("../outside/c.yaml", join(directory, "flux/link.yaml"));
    expect(pendingFiles(directory, TABLE)).toEqual(["flux/.hidden/b.yml", "flux/a.yaml"]);
    await configureWell(directory, TABLE, { tools });
    expect(liveFiles(directory)).toEqual({
      "flux/.hidden/b.yml": "acme.io\n",
      "flux/a.yaml": "acme.io\n",
      "flux/data.json": "example.com\n",
      "flux/link.yaml": "-> ../outside/c.yaml",
      "flux/linked": "-> ../outside",
      "flux/readme.md": "example.com\n",
    });
    expect(read(directory, "flux/.backups/old.yaml")).toBe("example.com\n");
    expect(read(directory, "outside/c.yaml")).toBe("example.com\n");
  });

  test("backs originals up once, keeps modes, opens only what needs it and leaves nothing else behind", async () => {
    const directory = makeProject({ "flux/x/b.yaml": "none\n" });
    write(directory, "flux/x/a.yaml", "example.com\n", 0o640);
    write(directory, "flux/x/private.yaml", "example.com\n", 0o600);
    const untouched = statSync(join(directory, "flux/x/b.yaml"), { bigint: true });
    await configureWell(directory, TABLE, { tools });
    expect(Object.keys(snapshot(directory))).toEqual([
      "flux/.backups/configured.txt",
      "flux/.backups/x/a.yaml.orig",
      "flux/.backups/x/private.yaml.orig",
      "flux/x/a.yaml",
      "flux/x/b.yaml",
      "flux/x/private.yaml",
    ]);
    expect(existsSync(join(directory, "flux/.backups/.run"))).toBe(false);
    expect(existsSync(join(directory, "flux/.backups/.lock"))).toBe(false);
    const mode = (path: string) => statSync(join(directory, path)).mode & 0o777;
    expect(mode("flux/x/a.yaml")).toBe(0o640);
    expect(mode("flux/x/private.yaml")).toBe(0o600);
    expect(mode("flux/.backups/x/private.yaml.orig")).toBe(0o600);
    const after = statSync(join(directory, "flux/x/b.yaml"), { bigint: true });
    expect([after.ino, after.mtimeNs]).toEqual([untouched.ino, untouched.mtimeNs]);

    write(directory, "flux/x/a.yaml", "acme.io # mine, and my-cluster\n");
    await configureWell(directory, TABLE, { tools });
    expect(read(directory, "flux/x/a.yaml")).toBe("acme.io # mine, and acme-production\n");
    expect(read(directory, "flux/.backups/x/a.yaml.orig")).toBe("example.com\n");
    expect(pendingFiles(directory, TABLE)).toEqual([]);
  });

  test("does nothing and leaves nothing where nothing is to be replaced", async () => {
    const directory = makeProject({ "flux/a.yaml": "example.community\n" });
    expect(await configureWell(directory, TABLE, { tools })).toBe(
      "static configuration: nothing left to replace\n",
    );
    expect(await configureWell(directory, table({ "example.com": "example.com" }), { tools })).toContain(
      "nothing",
    );
    expect(existsSync(join(directory, "flux/.backups"))).toBe(false);
  });

  test("the order of the table and two equal lines change nothing, the output is for people", async () => {
    const text = { "flux/a.yaml": "chat.example.com admin@example.com\n", "flux/b/c.yml": "my-cluster\n" };
    const [one, other] = [makeProject(text), makeProject(text)];
    const lines = TABLE.map(({ placeholder, value }) => `${placeholder}\t${value}`);
    expect(await configureWell(one, TABLE, { tools })).toBe(
      "flux/a.yaml configured\nflux/b/c.yml configured\n" +
        "static configuration: 2 files configured; their originals are in flux/.backups, commit both\n",
    );
    await configureWell(other, [...lines, ...lines].reverse().join("\n"), { tools });
    expect(snapshot(other)).toEqual(snapshot(one));
  });

  test("an original put back by hand is configured again although the record says it was", async () => {
    const replacements = table({ "example.com": "eu.example.com" });
    const directory = makeProject({ "flux/a.yaml": "example.com\n" });
    await configureWell(directory, replacements, { tools });
    write(directory, "flux/a.yaml", "example.com\n");
    expect(pendingFiles(directory, replacements)).toEqual(["flux/a.yaml"]);
    await configureWell(directory, replacements, { tools });
    expect(read(directory, "flux/a.yaml")).toBe("eu.example.com\n");
    expect(pendingFiles(directory, replacements)).toEqual([]);
  });

  test("a changed value gives the tree that it would have given at first", async () => {
    const files = {
      "flux/a.yaml": "example.com chat.example.com acme\n",
      "flux/b.yaml": "my-cluster\n",
      "flux/c.yaml": "none\n",
    };
    const later = [
      ...TABLE.filter(({ placeholder }) => placeholder !== "example.com"),
      ...table({ "example.com": "eu.acme.io" }),
    ];
    const [changed, direct] = [makeProject(files), makeProject(files)];
    await configureWell(changed, TABLE, { tools });
    expect(pendingFiles(changed, later)).toEqual(["flux/a.yaml"]);
    await configureWell(changed, later, { tools });
    expect(pendingFiles(changed, later)).toEqual([]);
    await configureWell(direct, later, { tools });
    expect(snapshotAsFirst(changed)).toEqual(snapshot(direct));
    await configureWell(changed, TABLE, { tools });
    expect(read(changed, "flux/a.yaml")).toBe("acme.io talk.acme.io acme\n");
  });

  test("an empty later value on a last line without a line end keeps the line before it", async () => {
    const [changed, direct] = [0, 1].map(() => makeProject({ "flux/a.yaml": "\nexample.com" })) as [
      string,
      string,
    ];
    await configureWell(changed, table({ "example.com": "a" }), { tools });
    await configureWell(changed, table({ "example.com": "" }), { tools });
    await configureWell(direct, table({ "example.com": "" }), { tools });
    expect(read(changed, "flux/a.yaml")).toBe("\n");
    expect(snapshotAsFirst(changed)).toEqual(snapshot(direct));
  });

  test("a value that becomes its placeholder again is carried out too", async () => {
    const directory = makeProject({ "flux/a.yaml": "example.com my-cluster\n" });
    await configureWell(directory, table({ "example.com": "acme.io", "my-cluster": "prod" }), { tools });
    for (const later of [
      { "example.com": "example.com", "my-cluster": "prod" },
      { "example.com": "example.com", "my-cluster": "my-cluster" },
    ]) {
      expect(pendingFiles(directory, table(later))).toEqual(["flux/a.yaml"]);
      await configureWell(directory, table(later), { tools });
      expect(read(directory, "flux/a.yaml")).toBe(`example.com ${later["my-cluster"]}\n`);
      expect(pendingFiles(directory, table(later))).toEqual([]);
    }
  });

  test("a changed value reaches an edited file and leaves the edits and the template's own words", async () => {
    const first = table({
      "example.com": "acme.io",
      "my-startup": "mattermost",
      "admin@example.com": "ops@acme.io",
    });
    const second = table({
      "example.com": "acme.dev",
      "my-startup": "acme",
      "admin@example.com": "ops@acme.io",
    });
    const directory = makeProject({
      "flux/a.yaml": "host: example.com\nmail: admin@example.com\nname: my-startup\nimage: mattermost\n",
    });
    await configureWell(directory, first, { tools });
    write(directory, "flux/a.yaml", `${read(directory, "flux/a.yaml")}extra: www.acme.io # mine\n`);
    const output = await configureWell(directory, second, { tools });
    expect(read(directory, "flux/a.yaml")).toBe(
      "host: acme.dev\nmail: ops@acme.io\nname: mattermost\nimage: mattermost\nextra: www.acme.dev # mine\n",
    );
    expect(output).toContain(
      'flux/a.yaml, line 3: "mattermost" is a former name, and may be meant here; write "acme", or add the comment "# static-configuration: keep mattermost" to the file',
    );
    expect(pendingFiles(directory, second)).toEqual([]);
  });

  test("two runs at once do the work once", async () => {
    const files = Object.fromEntries(
      Array.from({ length: 60 }, (_, n) => [`flux/d${n % 7}/f${n}.yaml`, "example.com one\n"]),
    );
    const replacements = [...TABLE, ...table({ one: "one-one", "two.x": "one" })];
    const [parallel, alone] = [makeProject(files), makeProject(files)];
    await configureWell(alone, replacements, { tools });
    const outputs = await Promise.all([1, 2, 3].map(() => configureWell(parallel, replacements, { tools })));
    expect(snapshot(parallel)).toEqual(snapshot(alone));
    expect(outputs.filter((output) => output.includes("60 files configured"))).toHaveLength(1);
  });

  test("a read-only file stops it before anything is changed", async () => {
    const directory = makeProject({ "flux/a.yaml": "example.com\n", "flux/b.yaml": "example.com\n" });
    chmodSync(join(directory, "flux/b.yaml"), 0o444);
    const before = liveFiles(directory);
    const { status, stderr } = await configure(directory, TABLE, { tools });
    expect(status).toBe(1);
    expect(stderr).toBe(
      "static configuration: flux/b.yaml: is read-only, nothing was changed; make it writable (chmod u+w) and run again\n",
    );
    expect(liveFiles(directory)).toEqual(before);
    chmodSync(join(directory, "flux/b.yaml"), 0o644);
    await configureWell(directory, TABLE, { tools });
    expect(read(directory, "flux/b.yaml")).toBe("acme.io\n");
  });

  test("a disk that is full loses nothing, names the file, and the next run finishes", async () => {
    const large = `example.com\n${"# filler\n".repeat(8_000)}`;
    const directory = makeProject({
      "flux/a.yaml": "example.com\n",
      "flux/large.yaml": large,
      "flux/z.yaml": "example.com\n",
    });
    // Files over 32 kB can't be written (the limit counts blocks of 512 bytes, or of 1 kB in some shells).
    const { status, stderr } = await configure(directory, TABLE, {
      tools,
      before: "ulimit -f 32; trap '' XFSZ",
    });
    expect(status).toBe(1);
    expect(stderr).toContain("flux/large.yaml: ");
    expect(read(directory, "flux/large.yaml")).toBe(large);
    for (const path of ["flux/a.yaml", "flux/z.yaml"])
      expect(["example.com\n", "acme.io\n"]).toContain(read(directory, path));
    await configureWell(directory, TABLE, { tools });
    expect(read(directory, "flux/large.yaml")).toBe(large.replace("example.com", "acme.io"));
    expect(read(directory, "flux/.backups/large.yaml.orig")).toBe(large);
    expect(read(directory, "flux/.backups/a.yaml.orig")).toBe("example.com\n");
    expect(pendingFiles(directory, TABLE)).toEqual([]);
  });

  test("bad input is refused with the place, the reason and the fix, and nothing is left behind", async () => {
    const directory = makeProject({ "flux/a.yaml": "example.com\n" });
    for (const [replacements, reason] of [
      ["example.com", "line 1 of REPLACEMENTS: expected placeholder, one tab and value, found 1 columns"],
      ["a\tb\nc\td\te", "line 2 of REPLACEMENTS: expected placeholder, one tab and value, found 3 columns"],
      [".com\tx", 'replacement of ".com": a placeholder has to begin and end with a letter or a digit'],
      ["a\tb\rc", 'replacement of "a": "b\\rc" holds a control character; remove it'],
      ["a\tb\na\tc", 'replacement of "a": two values, "b" and "c"; keep one'],
    ] as const) {
      const { status, stderr } = await configure(directory, replacements, { tools });
      expect(stderr).toContain(reason);
      expect(status).toBe(1);
    }
    expect(snapshot(directory)).toEqual({ "flux/a.yaml": "example.com\n" });
    expect(existsSync(join(directory, "flux/.backups"))).toBe(false);
  });
});

describe("configuring refuses folders that it could follow out of the tree", () => {
  test("flux or flux/.backups as a symbolic link, a link among the backups, no flux at all", async () => {
    const directory = makeProject({ "flux/a.yaml": "example.com\n", "elsewhere/b.yaml": "example.com\n" });
    symlinkSync("../elsewhere", join(directory, "flux/.backups"));
    expect((await configure(directory, TABLE)).stderr).toContain("flux/.backups: is a symbolic link");

    const second = makeProject({ "flux/apps/a.yaml": "example.com\n" });
    mkdirSync(join(second, "flux/.backups"));
    mkdirSync(join(second, "elsewhere"));
    symlinkSync("../../elsewhere", join(second, "flux/.backups/apps"));
    expect((await configure(second, TABLE)).stderr).toContain("flux/.backups/apps: is a symbolic link");
    expect(read(second, "flux/apps/a.yaml")).toBe("example.com\n");

    const third = makeProject({ "real/a.yaml": "example.com\n" });
    expect((await configure(join(third, "real"), TABLE)).stderr).toContain("flux: no such folder in ");
    symlinkSync("../flux", join(third, "real/flux"));
    expect((await configure(join(third, "real"), TABLE)).stderr).toContain("flux: is a symbolic link");
    expect(lstatSync(join(third, "real/flux")).isSymbolicLink()).toBe(true);
  });

  test("a record with an unresolved merge conflict", async () => {
    const directory = makeProject({
      "flux/a.yaml": "example.com\n",
      "flux/.backups/configured.txt": "<<<<<<< HEAD\nvalue\ta\tb\n",
    });
    const { status, stderr } = await configure(directory, TABLE);
    expect([status, stderr]).toEqual([
      1,
      expect.stringContaining(
        'flux/.backups/configured.txt, line 1: "<<<<<<< HEAD" cannot be read; resolve the merge conflict',
      ),
    ]);
    expect(() => pendingFiles(directory, TABLE)).toThrow("flux/.backups/configured.txt, line 1: ");
    expect(read(directory, "flux/a.yaml")).toBe("example.com\n");
  });
});

test("nobody is asked to commit the files of a sandbox, which Git ignores", () => {
  const sandbox = join(SANDBOX_DIRECTORY, "static-words");
  mkdirSync(sandbox, { recursive: true });
  try {
    const said: string[] = [];
    configureHere(makeProject({ "flux/a.yaml": "chat.example.com\n" }, sandbox), TABLE, (line) =>
      said.push(line),
    );
    expect(said.at(-1)).toBe("static configuration: 1 file configured; its original is in flux/.backups");
  } finally {
    rmSync(sandbox, { recursive: true });
  }
});
