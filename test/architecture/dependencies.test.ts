import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, normalize, relative, sep } from "node:path";
import { REPOSITORY } from "../support/example";

/** Folders and what they may import; what is listed later may not be imported by what is listed earlier. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  "src/config": [],
  "src/files": [],
  "src/api-client": [],
  "src/git": ["src/api-client"],
  "src/processes": [],
  "src/place": [],
  "src/flux": ["src/config"],
  "src/static-configuration": ["src/git", "src/place", "src/processes"],
  "src/redaction": [],
  "src/secrets": ["src/place", "src/config", "src/files", "src/processes", "src/api-client", "src/redaction"],
  "src/flux-tree": ["src/place", "src/config", "src/files", "src/flux", "src/secrets"],
  "src/stacks": ["src/config", "src/flux", "src/secrets"],
  "src/terraform": ["src/place", "src/redaction", "src/processes"],
  "src/terminal": ["src/terraform"],
  sandbox: [],
  "src/workspace": [
    "src/files",
    "src/place",
    "src/processes",
    "src/api-client",
    "src/config",
    "src/flux",
    "src/secrets",
    "src/static-configuration",
    "src/terraform",
    "sandbox",
  ],
  "src/state": ["src/place", "src/config", "src/files", "src/api-client", "src/terraform", "src/workspace"],
  "src/cluster": ["src/config", "src/flux", "src/redaction", "src/terraform", "src/api-client"],
  "src/deployment": [
    "src/place",
    "src/config",
    "src/git",
    "src/api-client",
    "src/flux",
    "src/secrets",
    "src/terraform",
    "src/terminal",
    "src/workspace",
    "src/state",
    "src/cluster",
  ],
  "src/setup": [
    "src/config",
    "src/git",
    "src/api-client",
    "src/redaction",
    "src/secrets",
    "src/flux-tree",
    "src/terraform",
    "src/terminal",
    "src/workspace",
    "src/state",
    "src/deployment",
  ],
  "src/commands": [
    "src/place",
    "src/config",
    "src/flux",
    "src/flux-tree",
    "src/secrets",
    "src/static-configuration",
    "src/terraform",
    "src/terminal",
    "src/workspace",
    "src/state",
    "src/cluster",
    "src/deployment",
    "src/setup",
  ],
};

const sources = Object.keys(MAY_IMPORT).flatMap((folder) =>
  (readdirSync(join(REPOSITORY, folder), { recursive: true }) as string[])
    .map((path) => join(folder, path))
    .filter((path) => path.endsWith(".ts") && statSync(join(REPOSITORY, path)).isFile()),
);

const importsOf = (file: string): string[] =>
  [...readFileSync(join(REPOSITORY, file), "utf8").matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(
    ([, name]) => name as string,
  );

const folderOf = (file: string): string | undefined =>
  Object.keys(MAY_IMPORT).find((folder) => file === folder || file.startsWith(folder + sep));

test("every folder of the sources has its place", () => {
  const folders = readdirSync(join(REPOSITORY, "src")).filter((name) =>
    statSync(join(REPOSITORY, "src", name)).isDirectory(),
  );
  expect(folders.map((name) => `src/${name}`).filter((name) => !(name in MAY_IMPORT))).toEqual([]);
  expect(sources.length).toBeGreaterThan(40);
});

test("dependencies between folders point one way", () => {
  const wrong = sources.flatMap((file) => {
    const own = folderOf(file) as string;
    return (
      importsOf(file)
        // JSON is data: the versions that the tools are installed in.
        .filter((name) => name.startsWith(".") && !name.endsWith(".json"))
        .map(
          (name) => folderOf(normalize(relative(REPOSITORY, join(REPOSITORY, dirname(file), name)))) ?? name,
        )
        .filter((target) => target !== own && !MAY_IMPORT[own]?.includes(target))
        .map((target) => `${file} imports ${target}`)
    );
  });
  expect(wrong).toEqual([]);
});

test("cdktf stays in src/stacks, so that a move to a fork is a rename", () => {
  const users = sources.filter((file) =>
    importsOf(file).some((name) => /^(?:cdktf|constructs|@cdktf\/)/.test(name)),
  );
  expect([...new Set(users.map(folderOf))]).toEqual(["src/stacks"]);
});
