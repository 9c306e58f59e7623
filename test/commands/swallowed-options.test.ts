import { program } from "../../src/commands/program";
import { explainSwallowed } from "../../src/commands/swallowed-options";

const told = (script: string, words: string[], options: Record<string, string>): string | undefined =>
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
    "secrets -- edit admin --sandbox mine",
  ],
  ["secrets edit admin --sandbox", ["edit", "admin"], { sandbox: "true" }, "secrets -- edit admin --sandbox"],
  ["secrets rotate --key", ["rotate"], { key: "true" }, "secrets -- rotate --key"],
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
  expect(told(line.split(" ")[0] as string, words, options)).toMatch(
    new RegExp(`^npm kept (--[a-z-]+(?: and --[a-z-]+)*) for itself: write {2}npm run ${fixed}$`),
  );
});

test("an option that no command has, and that means to change nothing, is told as well", () => {
  expect(told("deploy", [], { dry_run: "true" })).toContain("npm kept --dry-run for itself");
});

test("what may stand in somebody's .npmrc stops nothing that is safe without it", () => {
  expect(told("deploy", [], { yes: "true", json: "true" })).toBeUndefined();
  expect(told("restore", [], { force: "true" })).toBeUndefined();
});
