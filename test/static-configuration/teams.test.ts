import { spawnSync } from "node:child_process";
import { mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { SANDBOX_DIRECTORY } from "../../src/place";
import {
  explainMissing,
  pendingFiles,
  planConfiguration,
  restoreBackups,
  type TokenReplacement,
} from "../../src/static-configuration";
import { GIT_ENVIRONMENT } from "../support/git-checkout";
import { liveFiles, makeProject, read, removeProjects, snapshot, write } from "./support/project-tree";
import { configureWell, table } from "./support/run-configure";
import { removeToolsets } from "./support/toolsets";

const names = (domain: string, project = "acme") =>
  table({
    "example.com": domain,
    "chat.example.com": `chat.${domain}`,
    "admin@example.com": `ops@${domain}`,
    "my-cluster": `${project}-production`,
    "my-project": project,
  });
const [FIRST, SECOND, THIRD] = [names("acme.io"), names("acme.dev"), names("acme.net")];
const RECORD = "flux/.backups/configured.txt";
const FILES = {
  "flux/apps/chat/base.yaml": "kind: Ingress\nhost: chat.example.com\nmail: admin@example.com\n",
  "flux/apps/wiki/base.yaml": "kind: Ingress\nhost: wiki.example.com\nname: my-project\n",
  "flux/clusters/production.yaml": "cluster: my-cluster\ndomain: example.com\n",
  "flux/clusters/none.yaml": "nothing\n",
};

afterEach(removeProjects);
afterAll(removeToolsets);

function git(directory: string, ...args: string[]): string {
  const { status, stdout, stderr } = spawnSync("git", args, {
    cwd: directory,
    encoding: "utf8",
    env: GIT_ENVIRONMENT,
  });
  if (status !== 0) throw new Error(`git ${args.join(" ")}: ${stdout}${stderr}`);
  return stdout;
}

function commit(directory: string, subject: string): void {
  git(directory, "add", "--all");
  git(directory, "commit", "--quiet", "--allow-empty", "-m", subject);
}

/** A repository whose second commit is the configured tree. */
async function configured(): Promise<string> {
  const directory = makeProject(FILES);
  git(directory, "init", "--quiet", "--initial-branch=main");
  commit(directory, "template");
  await configureWell(directory, FIRST);
  commit(directory, "configured");
  return directory;
}

/** A colleague's clone. */
function clone(origin: string): string {
  const directory = makeProject({});
  rmSync(join(directory, "flux"), { recursive: true });
  git(directory, "clone", "--quiet", origin, ".");
  return directory;
}

/** What diff, status and deploy show: all of them ask these functions. */
function shown(directory: string, replacements: readonly TokenReplacement[]) {
  const { changes, notes, missingOriginals } = planConfiguration(directory, replacements);
  return {
    pending: changes.map(({ path }) => path),
    notes: [...notes, ...explainMissing(directory, missingOriginals)],
  };
}

const withDomain = (domain: string) => ({
  "flux/apps/chat/base.yaml": `kind: Ingress\nhost: chat.${domain}\nmail: ops@${domain}\n`,
  "flux/apps/wiki/base.yaml": `kind: Ingress\nhost: wiki.${domain}\nname: acme\n`,
  "flux/clusters/production.yaml": `cluster: acme-production\ndomain: ${domain}\n`,
  "flux/clusters/none.yaml": "nothing\n",
});

describe("a missing original", () => {
  test("that a global gitignore kept out of Git stops no later value, and is named with the way back", async () => {
    const origin = makeProject(FILES);
    git(origin, "init", "--quiet", "--initial-branch=main");
    commit(origin, "template");
    const template = git(origin, "rev-parse", "--short", "HEAD").trim();
    await configureWell(origin, FIRST);
    writeFileSync(join(origin, ".git/info/exclude"), "*.orig\n");
    commit(origin, "configured");
    const directory = clone(origin);

    const { pending, notes } = shown(directory, SECOND);
    expect(pending).toHaveLength(3);
    const output = await configureWell(directory, SECOND);
    expect(liveFiles(directory)).toEqual(withDomain("acme.dev"));
    for (const note of notes) expect(output).toContain(note);
    expect(notes).toHaveLength(3);
    const command = /`(mkdir .*)`/.exec(notes[0] as string)?.[1] ?? "";
    expect(command).toContain(`git show ${template}:./flux/apps/chat/base.yaml`);
    expect(spawnSync("sh", ["-c", command], { cwd: directory }).status).toBe(0);
    expect(read(directory, "flux/.backups/apps/chat/base.yaml.orig")).toBe(FILES["flux/apps/chat/base.yaml"]);
    expect(shown(directory, SECOND)).toEqual({ pending: [], notes: notes.slice(1) });
  });

  test.each([
    { what: "deleted", next: () => undefined },
    { what: "deleted, and that committed", next: (directory: string) => commit(directory, "clean up") },
    {
      what: "emptied",
      next: (directory: string) => write(directory, "flux/.backups/apps/wiki/base.yaml.orig", ""),
    },
  ])("that was $what comes back by the command in the message", async ({ next }) => {
    const directory = await configured();
    rmSync(join(directory, "flux/.backups/apps/wiki/base.yaml.orig"));
    next(directory);
    const [note = "", ...more] = shown(directory, FIRST).notes;
    expect(more).toEqual([]);
    expect(note).toContain("flux/.backups/apps/wiki/base.yaml.orig is missing");
    await configureWell(directory, SECOND);
    expect(liveFiles(directory)).toEqual(withDomain("acme.dev"));
    const command = /`(git checkout .*)`/.exec(note)?.[1] ?? "";
    expect(spawnSync("sh", ["-c", command], { cwd: directory, env: GIT_ENVIRONMENT }).status).toBe(0);
    expect(shown(directory, SECOND)).toEqual({ pending: [], notes: [] });
    expect(restoreBackups(directory).refused).toEqual([]);
    expect(liveFiles(directory)).toEqual(FILES);
  });

  test("of an application that was removed, with its backups or without, is none", async () => {
    for (const folders of [["flux/apps/chat", "flux/.backups/apps/chat"], ["flux/apps/chat"]]) {
      const directory = await configured();
      for (const folder of folders) rmSync(join(directory, folder), { recursive: true });
      commit(directory, "no chat");
      expect(await configureWell(directory, SECOND)).toMatch(/2 files configured/);
      expect(shown(directory, SECOND)).toEqual({ pending: [], notes: [] });
      // And it comes back from the template.
      rmSync(join(directory, "flux/.backups/apps/chat"), { recursive: true, force: true });
      write(directory, "flux/apps/chat/base.yaml", FILES["flux/apps/chat/base.yaml"]);
      await configureWell(directory, SECOND);
      expect(liveFiles(directory)).toEqual(withDomain("acme.dev"));
      expect(read(directory, "flux/.backups/apps/chat/base.yaml.orig")).toBe(
        FILES["flux/apps/chat/base.yaml"],
      );
    }
  });

  test("all of them, the folder of backups being deleted: names are found by Git's record, and all comes back", async () => {
    for (const then of [() => undefined, (directory: string) => commit(directory, "clean up")]) {
      const directory = await configured();
      rmSync(join(directory, "flux/.backups"), { recursive: true });
      then(directory);
      expect(shown(directory, FIRST).pending).toEqual([]);
      expect(shown(directory, FIRST).notes.length).toBeGreaterThan(0);
      expect(shown(directory, SECOND).pending).toHaveLength(3);
      const output = await configureWell(directory, SECOND);
      expect(liveFiles(directory)).toEqual(withDomain("acme.dev"));
      const commands = [...output.matchAll(/`(git checkout [^`]*)`/g)].map((match) => match[1] as string);
      for (const command of commands)
        spawnSync("sh", ["-c", command], { cwd: directory, env: GIT_ENVIRONMENT });
      expect(shown(directory, SECOND)).toEqual({ pending: [], notes: [] });
    }
  });

  test("is looked for in the project's own history, also in a hook of another repository", async () => {
    const directory = await configured();
    rmSync(join(directory, "flux/.backups"), { recursive: true });
    const other = makeProject({ "flux/a.yaml": "host: example.com\n" });
    git(other, "init", "--quiet");
    commit(other, "another repository");
    await configureWell(directory, SECOND, { environment: { GIT_DIR: join(other, ".git") } });
    expect(liveFiles(directory)).toEqual(withDomain("acme.dev"));
  });
});

describe("a file that the record doesn't know", () => {
  test("since the record is gone, gets a new value by its original, edits stay", async () => {
    const directory = await configured();
    // Without Git the originals are all that there is.
    rmSync(join(directory, ".git"), { recursive: true });
    rmSync(join(directory, RECORD));
    write(
      directory,
      "flux/apps/chat/base.yaml",
      `${read(directory, "flux/apps/chat/base.yaml")}mine: acme.io\n`,
    );
    expect(shown(directory, SECOND).pending).toHaveLength(3);
    await configureWell(directory, SECOND);
    const expected = withDomain("acme.dev");
    expect(liveFiles(directory)).toEqual({
      ...expected,
      "flux/apps/chat/base.yaml": `${expected["flux/apps/chat/base.yaml"]}mine: acme.dev\n`,
    });
    expect(shown(directory, SECOND)).toEqual({ pending: [], notes: [] });
    // A new name of the cluster is no host, and reaches its files all the same.
    rmSync(join(directory, RECORD));
    await configureWell(directory, names("acme.dev", "beta"));
    expect(read(directory, "flux/clusters/production.yaml")).toBe(
      "cluster: beta-production\ndomain: acme.dev\n",
    );
  });

  test.each(["ours", "theirs", "union"])(
    "since a merge resolved the record's conflict with %s, is configured with the values of now",
    async (side) => {
      const directory = await configured();
      git(directory, "checkout", "--quiet", "-b", "feature");
      write(directory, "flux/apps/forum/base.yaml", "host: forum.example.com\ncluster: my-cluster\n");
      write(directory, "flux/apps/forum/own.yaml", "redirect: acme.io\n");
      await configureWell(directory, FIRST);
      commit(directory, "a forum");
      git(directory, "checkout", "--quiet", "main");
      await configureWell(directory, SECOND);
      commit(directory, "a new domain");
      const merge = spawnSync("git", ["merge", "--quiet", "--no-edit", "feature"], {
        cwd: directory,
        env: GIT_ENVIRONMENT,
      });
      if (merge.status !== 0) {
        if (side === "union") {
          const stages = [2, 1, 3].map((stage) => {
            const file = join(directory, `stage${stage}`);
            writeFileSync(file, git(directory, "show", `:${stage}:${RECORD}`));
            return file;
          });
          writeFileSync(join(directory, RECORD), git(directory, "merge-file", "-p", "--union", ...stages));
          for (const file of stages) rmSync(file);
        } else git(directory, "checkout", `--${side}`, "--", RECORD);
        commit(directory, "merged");
      }
      expect(shown(directory, SECOND).pending).toContain("flux/apps/forum/base.yaml");
      await configureWell(directory, SECOND);
      expect(liveFiles(directory)).toMatchObject({
        ...withDomain("acme.dev"),
        "flux/apps/forum/base.yaml": "host: forum.acme.dev\ncluster: acme-production\n",
      });
      // Where the record takes acme.io for the value at hand the user's own file is changed, otherwise it is named.
      const own = read(directory, "flux/apps/forum/own.yaml");
      const { pending, notes } = shown(directory, SECOND);
      expect(pending).toEqual([]);
      expect(
        own === "redirect: acme.dev\n" ||
          notes.some((note) => note.startsWith("flux/apps/forum/own.yaml, line 1")),
      ).toBe(true);
      expect(restoreBackups(directory, { dryRun: true }).refused).toEqual([]);
    },
  );

  test("since it is new, gets a new domain, with its original kept; other words are named", async () => {
    const directory = await configured();
    const text =
      "host: docs.acme.io\nimage: registry.test/acme\ncluster: acme-production\nother: my-acme.io acme.io.au acme\n";
    write(directory, "flux/apps/docs/own.yaml", text);
    const later = names("acme.dev", "beta");
    expect(shown(directory, later)).toEqual({
      pending: [...Object.keys(FILES), "flux/apps/docs/own.yaml"]
        .filter((path) => !path.includes("none"))
        .sort(),
      notes: [
        expect.stringMatching(
          /^flux\/apps\/docs\/own\.yaml, line 3: "acme-production" is a former name.*write "beta-production"/,
        ),
        expect.stringMatching(/^flux\/apps\/docs\/own\.yaml, line 2: "acme" is a former name/),
      ],
    });
    const output = await configureWell(directory, later);
    expect(read(directory, "flux/apps/docs/own.yaml")).toBe(text.replace("docs.acme.io", "docs.acme.dev"));
    expect(read(directory, "flux/.backups/apps/docs/own.yaml.orig")).toBe(text);
    expect(output).toContain('line 3: "acme-production" is a former name');
    // A word of its own isn't looked for any longer: it may mean anything.
    expect(shown(directory, later).notes).toHaveLength(1);
  });

  test("when it came later with a former name, is named and not changed, until it says that the name stays", async () => {
    const directory = await configured();
    const before = "# static-configuration: keep acme.io\nfrom: acme.io\n";
    write(directory, "flux/apps/before.yaml", before);
    await configureWell(directory, SECOND);
    expect(read(directory, "flux/apps/before.yaml")).toBe(before);
    write(directory, "flux/apps/redirect.yaml", "from: acme.io\nto: acme.dev\n");
    const note =
      'flux/apps/redirect.yaml, line 1: "acme.io" is a former name, and may be meant here; write "acme.dev", or add the comment "# static-configuration: keep acme.io" to the file';
    expect(shown(directory, SECOND)).toEqual({ pending: [], notes: [note] });
    expect(await configureWell(directory, SECOND)).toContain(note);
    expect(read(directory, "flux/apps/redirect.yaml")).toBe("from: acme.io\nto: acme.dev\n");
    const kept =
      "# static-configuration: keep acme.io acme.dev\nfrom: acme.io\nto: acme.dev\nhost: chat.example.com\n";
    write(directory, "flux/apps/redirect.yaml", kept);
    expect(shown(directory, SECOND)).toEqual({ pending: ["flux/apps/redirect.yaml"], notes: [] });
    await configureWell(directory, SECOND);
    await configureWell(directory, THIRD);
    expect(read(directory, "flux/apps/redirect.yaml")).toBe(
      kept.replace("chat.example.com", "chat.acme.net"),
    );
    expect(shown(directory, THIRD)).toEqual({ pending: [], notes: [] });
  });

  test("with a name that was never written here is named, until it is one of the project's", async () => {
    const directory = await configured();
    write(directory, "flux/apps/forum.yaml", "host: forum.elsewhere.org\n");
    write(directory, "flux/.backups/apps/forum.yaml.orig", "host: forum.example.com\n");
    for (const _ of ["before", "after"]) {
      expect(shown(directory, FIRST)).toEqual({
        pending: [],
        notes: [
          'flux/apps/forum.yaml: "elsewhere.org" stands where the original has "example.com", and is no name that was written here; write "acme.io", or add the comment "# static-configuration: keep elsewhere.org" to the file',
        ],
      });
      await configureWell(directory, FIRST);
    }
    write(directory, "flux/apps/forum.yaml", "host: forum.acme.io\n");
    expect(shown(directory, FIRST)).toEqual({ pending: [], notes: [] });
  });

  test("since it was moved, gets a new value", async () => {
    const directory = await configured();
    mkdirSync(join(directory, "flux/apps/talk"));
    renameSync(join(directory, "flux/apps/chat/base.yaml"), join(directory, "flux/apps/talk/base.yaml"));
    await configureWell(directory, SECOND);
    expect(read(directory, "flux/apps/talk/base.yaml")).toBe(
      withDomain("acme.dev")["flux/apps/chat/base.yaml"],
    );
    expect(pendingFiles(directory, SECOND)).toEqual([]);
  });

  test("holds nothing that is taken for a name, when values are short or parts of words", async () => {
    const directory = await configured();
    const later = names("acme.dev", "beta");
    const text = "a: acmeology acme_x not-acme acme-productions x.acme-production.test ops@acme.io.test\n";
    write(directory, "flux/own.yaml", text);
    await configureWell(directory, later);
    expect(read(directory, "flux/own.yaml")).toBe(text);
    expect(shown(directory, later)).toEqual({ pending: [], notes: [] });
  });
});

describe("a file that a run doesn't change", () => {
  test.each([
    ["dash.json", '{"url":"https://grafana.acme.io"}\n'],
    ["proxy.conf", "server_name wiki.acme.io;\n"],
    ["run.sh", "curl https://acme.io/health\n"],
    ["app.toml", 'mail = "ops@acme.io"\n'],
    ["page.tpl", "cluster acme-production\n"],
    ["dash.YAML", "host: grafana.acme.io\n"],
    ["letters.yaml", "host: ACME.io\n"],
  ])("%s is named when it holds an old value, until that is changed or meant", async (file, text) => {
    const directory = await configured();
    const path = `flux/apps/chat/${file}`;
    write(directory, path, text);
    expect(planConfiguration(directory, FIRST).notes).toEqual([]);
    const old = /(?:ops@)?acme[.-]\w+/i.exec(text)?.[0] as string;
    const value = { "ops@acme.io": "ops@acme.dev", "acme-production": "other-production" }[old] ?? "acme.dev";
    const second = names("acme.dev", "other");
    const told = [
      expect.stringMatching(`^.*${path}, line 1: "${old}" is a former name .*; write "${value}"`),
    ];
    expect(planConfiguration(directory, second).notes).toEqual(told);
    await configureWell(directory, second);
    // Also at every later look.
    expect(planConfiguration(directory, second).notes).toEqual(told);
    expect(read(directory, path)).toBe(text);
    write(directory, path, `${text}"static-configuration: keep ${old}",\n`);
    expect(planConfiguration(directory, second).notes).toEqual([]);
    write(directory, path, text.replace(old, value));
    expect(planConfiguration(directory, second).notes).toEqual([]);
  });

  test("is not named for a value that holds an old one, for a word of its own, nor when it is no text", async () => {
    const directory = await configured();
    write(directory, "flux/a.json", '["app.acme.io", "wiki.app.acme.io", "Acme", "acme"]\n');
    write(directory, "flux/b.json", "acme.io\0");
    write(directory, "flux/c.yaml", "host: wiki.APP.acme.io\n");
    expect(planConfiguration(directory, names("app.acme.io")).notes).toEqual([]);
  });
});

describe("a record", () => {
  const without = (lines: RegExp) => (text: string) => text.replace(lines, "");
  test.each([
    { what: "is empty", damage: () => "", word: "is empty" },
    { what: "has its first line only", damage: without(/(?<=^#[^\n]*\n).*/s), word: "is empty" },
    { what: "is cut off within a value", damage: without(/(?<=acme\.d).*/s), word: "is cut off" },
    {
      what: "is cut off within a path",
      damage: without(/(?<=file\tflux\/apps\/ch).*/s),
      word: "is cut off",
    },
    { what: "has lost its values", damage: without(/^value.*\n/gm) },
    { what: "has lost one value", damage: without(/^value\tmy-cluster.*\n/gm) },
    { what: "has lost its former values", damage: without(/^former.*\n/gm) },
    { what: "has lost its files", damage: without(/^file.*\n/gm) },
    { what: "has lost one file", damage: without(/^file.*production.*\n/gm) },
    { what: "is another project's", damage: (text: string) => text.replaceAll("acme", "zeta") },
  ])("that $what hides no name, committed or not, and with an original missing", async ({ damage, word }) => {
    for (const isCommitted of [false, true]) {
      const directory = await configured();
      write(directory, "flux/apps/redirect.yaml", "# static-configuration: keep acme.io\nfrom: acme.io\n");
      await configureWell(directory, SECOND);
      write(directory, "flux/apps/redirect.yaml", "from: acme.io\n");
      commit(directory, "a new domain");
      write(directory, RECORD, damage(read(directory, RECORD)));
      rmSync(join(directory, "flux/.backups/clusters/production.yaml.orig"));
      if (isCommitted) commit(directory, "merged");
      const later = names("acme.net", "beta");
      const unchanged = shown(directory, SECOND).notes.find((note) => note.startsWith(RECORD));
      const { pending, notes } = shown(directory, later);
      expect(pending).toHaveLength(3);
      const ofRecord = notes.filter((note) => note.startsWith(RECORD));
      expect(ofRecord).toEqual(word ? [expect.stringContaining(`${RECORD} ${word}. `)] : []);
      expect(notes).toContainEqual(expect.stringMatching(/redirect\.yaml, line 1: "acme\.io" is a former/));
      expect(notes).toContainEqual(expect.stringContaining("production.yaml.orig is missing"));
      const command = /`(git checkout .*)`/.exec(unchanged ?? "")?.[1];
      expect(ofRecord.join()).not.toContain("git checkout");
      await configureWell(directory, later);
      expect(liveFiles(directory)).toEqual({
        "flux/apps/chat/base.yaml": "kind: Ingress\nhost: chat.acme.net\nmail: ops@acme.net\n",
        "flux/apps/wiki/base.yaml": "kind: Ingress\nhost: wiki.acme.net\nname: beta\n",
        "flux/clusters/production.yaml": "cluster: beta-production\ndomain: acme.net\n",
        "flux/clusters/none.yaml": "nothing\n",
        "flux/apps/redirect.yaml": "from: acme.io\n",
      });
      expect(shown(directory, later)).toEqual({ pending: [], notes: notes.slice(ofRecord.length) });
      expect(command === undefined).toBe(word === undefined);
      if (command === undefined) continue;
      expect(spawnSync("sh", ["-c", command], { cwd: directory, env: GIT_ENVIRONMENT }).status).toBe(0);
      expect(read(directory, RECORD)).toContain("value\texample.com\tacme.dev\n");
    }
  });

  test("that says nothing lets the files be restored all the same", async () => {
    const directory = await configured();
    write(directory, RECORD, "");
    expect(restoreBackups(directory).refused).toEqual([]);
    expect(liveFiles(directory)).toEqual(FILES);
  });

  test("that is whole outweighs what a file was edited to", async () => {
    const directory = await configured();
    const edited = "kind: Ingress\nhost: talk.elsewhere.org\nmail: me@elsewhere.org\n";
    write(directory, "flux/apps/chat/base.yaml", edited);
    await configureWell(directory, SECOND);
    expect(liveFiles(directory)).toEqual({ ...withDomain("acme.dev"), "flux/apps/chat/base.yaml": edited });
  });
});

test("one missing original is not called several", async () => {
  const explain = (directory: string, count: number) =>
    explainMissing(
      directory,
      Array.from({ length: count }, (_, index) => `flux/${index}.yaml`),
    );
  const directory = await configured();
  expect(explain(directory, 6).at(-1)).toMatch(/^1 more original is missing .* restores it\.$/);
  const sandbox = join(SANDBOX_DIRECTORY, "acme");
  expect(explain(sandbox, 1)).toEqual([expect.stringMatching(/^1 original is missing from /)]);
  expect(explain(sandbox, 2)).toEqual([expect.stringMatching(/^2 originals are missing from /)]);
  expect(explain(directory, 7).at(-1)).toMatch(/^2 more originals are missing .* restore them\.$/);
});

test("two clones that configure different files, merged by Git, need nothing more", async () => {
  const origin = await configured();
  const other = clone(origin);
  for (const [directory, app] of [
    [origin, "one"],
    [other, "two"],
  ] as const) {
    write(directory, `flux/apps/${app}/base.yaml`, `host: ${app}.example.com\n`);
    await configureWell(directory, FIRST);
    commit(directory, app);
  }
  const pulled = spawnSync("git", ["pull", "--quiet", "--no-rebase", "--no-edit"], {
    cwd: other,
    env: GIT_ENVIRONMENT,
  });
  if (pulled.status !== 0) {
    git(other, "checkout", "--ours", "--", RECORD);
    commit(other, "merged");
  }
  expect(shown(other, FIRST)).toEqual({ pending: [], notes: [] });
  await configureWell(other, SECOND);
  expect(read(other, "flux/apps/one/base.yaml")).toBe("host: one.acme.dev\n");
  expect(read(other, "flux/apps/two/base.yaml")).toBe("host: two.acme.dev\n");
  expect(snapshot(other)[RECORD]).toContain("file\tflux/apps/one/base.yaml\n");
});

test("folders that differ in case only keep their originals apart", async () => {
  const directory = makeProject({ "flux/Apps/a.yaml": "host: example.com\n" });
  if (makesNoDifference(directory)) return;
  write(directory, "flux/apps/a.yaml", "host: chat.example.com\n");
  await configureWell(directory, FIRST);
  await configureWell(directory, SECOND);
  expect(liveFiles(directory)).toEqual({
    "flux/Apps/a.yaml": "host: acme.dev\n",
    "flux/apps/a.yaml": "host: chat.acme.dev\n",
  });
  expect(restoreBackups(directory).refused).toEqual([]);
});

function makesNoDifference(directory: string): boolean {
  return spawnSync("test", ["-e", join(directory, dirname("FLUX/x"))]).status === 0;
}
