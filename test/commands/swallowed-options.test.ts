import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { program } from "../../src/commands/program";
import { explainSwallowed } from "../../src/commands/swallowed-options";

const told = (script: string, words: string[], options: Record<string, string>): string | undefined =>
  swallowed(script, words, options)?.message;
const swallowed = (script: string, words: string[], options: Record<string, string>) =>
  explainSwallowed(program(), {
    script,
    words: [script, ...words],
    env: Object.fromEntries(Object.entries(options).map(([name, value]) => [`npm_config_${name}`, value])),
  });

test("nothing is said when npm kept nothing", () => {
  expect(told("deploy", ["--sandbox", "mine"], { loglevel: "notice" })).toBeUndefined();
});

// What npm 10 and 11 make of the command line: words and variables.
test.each<[string, string[], Record<string, string>, string]>([
  ["status --sandbox mine", ["mine"], { sandbox: "true" }, "status -- --sandbox mine"],
  ["status --sandbox=mine", [], { sandbox: "mine" }, "status -- --sandbox mine"],
  ["deploy --sandbox", [], { sandbox: "true" }, "deploy -- --sandbox"],
  ["deploy --push", [], { push: "true" }, "deploy -- --push"],
  [
    "deploy --environment staging --push",
    ["staging"],
    { environment: "true", push: "true" },
    "deploy -- --environment staging --push",
  ],
  ["secrets check --sandbox", ["check"], { sandbox: "true" }, "secrets -- check --sandbox"],
  ["secrets check --sandbox mine", ["check", "mine"], { sandbox: "true" }, "secrets -- check --sandbox mine"],
  [
    "secrets edit admin --sandbox mine",
    ["edit", "admin", "mine"],
    { sandbox: "true" },
    "secrets -- edit <secret> --sandbox <name>",
  ],
  ["secrets edit admin --sandbox", ["edit", "admin"], { sandbox: "true" }, "secrets -- edit admin --sandbox"],
  ["secrets rotate --age-key", ["rotate"], { age_key: "true" }, "secrets -- rotate --age-key"],
  [
    "deploy --environment=staging --environment=production",
    [],
    { environment: "staging\n\nproduction" },
    "deploy -- --environment staging --environment production",
  ],
  [
    "deploy --environment staging -- --yes",
    ["staging", "--yes"],
    { environment: "true" },
    "deploy -- --environment staging --yes",
  ],
  [
    "state restore --backup latest -- --stack staging-cluster --yes",
    ["restore", "latest", "--stack", "staging-cluster", "--yes"],
    { backup: "true" },
    "state -- restore --backup latest --stack staging-cluster --yes",
  ],
  [
    "deploy --sandbox mine -- --environment staging",
    ["mine", "--environment", "staging"],
    { sandbox: "true" },
    "deploy -- --sandbox mine --environment staging",
  ],
  [
    "secrets edit --environment staging admin",
    ["edit", "staging", "admin"],
    { environment: "true" },
    "secrets -- edit <secret> --environment <name>",
  ],
  [
    "sandbox --sandbox mine npx cdktf diff",
    ["mine", "npx", "cdktf", "diff"],
    { sandbox: "true" },
    "sandbox -- --sandbox <name> [command...]",
  ],
  ["state restore --stack", ["restore"], { stack: "true" }, "state -- restore --stack <name>"],
  ["restore --dry-run", [], { dry_run: "true" }, "restore -- --dry-run"],
  ["state prepare --check", ["prepare"], { check: "true" }, "state -- prepare --check"],
  ["state migrate --to-local", ["migrate"], { to_local: "true" }, "state -- migrate --to-local"],
  [
    "state restore --backup latest",
    ["restore", "latest"],
    { backup: "true" },
    "state -- restore --backup latest",
  ],
  ["validate --strict", [], { strict: "true" }, "validate -- --strict"],
  [
    "deploy --environment staging --sandbox mine",
    ["staging", "mine"],
    { environment: "true", sandbox: "true" },
    "deploy -- --environment <name> --sandbox <name>",
  ],
])("npm run %s: the command as it works is named", (line, words, options, fixed) => {
  const text = told(line.split(" ")[0] as string, words, options);
  expect(text).toMatch(/^npm consumed (--[a-z-]+(?: and --[a-z-]+)*)\. Run: {2}npm run /);
  expect(text?.split("npm run ")[1]).toBe(fixed);
});

test("an option that an older npm completes to one of its own is told by the word that it leaves behind", () => {
  expect(told("deploy", ["storage-shrink"], { allow_same_version: "true" })).toBe(
    "npm consumed --allow. Run:  npm run deploy -- --allow storage-shrink",
  );
  // Set in somebody's .npmrc, for other work.
  expect(told("deploy", [], { allow_same_version: "true" })).toBeUndefined();
  expect(told("deploy", ["--environment", "staging"], { allow_same_version: "true" })).toBeUndefined();
});

test("an option that no command has, and that means to change nothing, is told as well", () => {
  expect(told("deploy", [], { dry_run: "true" })).toContain("npm consumed --dry-run.");
});

test("what is turned off is as it is without the option", () => {
  expect(told("deploy", [], { push: "" })).toBeUndefined();
});

/** A command and all below it. */
function withSubcommands(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withSubcommands)];
}

test("npm lets the program see each of its options: none is one of npm's that it keeps to itself", () => {
  const options = withSubcommands(program()).flatMap((command) => command.options);
  // npm makes options of its own of single letters: -e is its --enjoy-by, and what stands behind it is gone.
  expect(options.flatMap(({ short }) => short ?? [])).toEqual([]);
  const names = [...new Set(options.map(({ long }) => long?.slice(2) as string))];
  expect(names).toContain("environment");
  const folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-npm-"));
  try {
    writeFileSync(
      join(folder, "package.json"),
      JSON.stringify({ name: "probe", version: "1.0.0", scripts: { probe: "node probe.js" } }),
    );
    writeFileSync(join(folder, "probe.js"), "console.log(JSON.stringify(process.env))");
    const stdout = execFileSync("npm", ["run", "--silent", "probe", ...names.map((name) => `--${name}`)], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    });
    const env = JSON.parse(stdout.slice(stdout.indexOf('{"'))) as Record<string, string>;
    // npm tells more itself then, and the command does the same work.
    const isSeen = (name: string): boolean => env[`npm_config_${name.replaceAll("-", "_")}`] === "true";
    expect(
      names.filter((name) => !isSeen(name) && (name !== "allow" || !isSeen("allow-same-version"))),
    ).toEqual(["verbose"]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("what may stand in somebody's .npmrc stops nothing that is safe without it", () => {
  expect(told("deploy", [], { yes: "true" })).toBeUndefined();
  expect(told("restore", [], { force: "true" })).toBeUndefined();
  // A script would take what is written for people.
  expect(swallowed("outputs", ["cluster_id"], { json: "true" })).toEqual({
    message: "npm consumed --json, if you wrote it here. Run:  npm run outputs -- cluster_id --json",
    harmless: true,
  });
});

test("and is told beside what was kept for certain", () => {
  expect(swallowed("deploy", ["mine"], { sandbox: "true", yes: "true" })).toEqual({
    message:
      "npm consumed --sandbox. Run:  npm run deploy -- --sandbox mine (and --yes behind it, if you wrote it here)",
    harmless: false,
  });
});
