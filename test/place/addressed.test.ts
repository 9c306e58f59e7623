import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import fc from "fast-check";
import { addressed, npmRunIn } from "../../src/place";
import { REPOSITORY } from "../support/example";

const MINE = join(REPOSITORY, ".sandbox", "mine");

test.each([
  ["`npm run secrets -- create`", "`npm run secrets -- create --sandbox mine`"],
  ["npm run secrets -- check.\nThen go on", "npm run secrets -- check --sandbox mine.\nThen go on"],
  ["npm run secrets -- check\nthen go on", "npm run secrets -- check --sandbox mine\nthen go on"],
  [
    "run npm run secrets -- check (npm run validate -- --fix does it), then npm run deploy.",
    "run npm run secrets -- check --sandbox mine (npm run validate -- --sandbox mine --fix does it), then npm run deploy -- --sandbox mine.",
  ],
  [
    "npm run secrets -- edit app/x, npm run deploy",
    "npm run secrets -- edit --sandbox mine app/x, npm run deploy -- --sandbox mine",
  ],
  [
    "npm run deploy builds it; npm run diff -- --sandbox mine shows it",
    "npm run deploy -- --sandbox mine builds it; npm run diff -- --sandbox mine shows it",
  ],
  [
    "npm run deploy -- --yes and npm run diff -- --sandbox mine",
    "npm run deploy -- --sandbox mine --yes and npm run diff -- --sandbox mine",
  ],
  ["flux/apps/x.yaml:3, .sops.yaml", ".sandbox/mine/flux/apps/x.yaml:3, .sandbox/mine/.sops.yaml"],
  ["put it into .env or the environment", "put it into .sandbox/mine/.env or the environment"],
])("a text that doesn't know where it is read gets the sandbox: %s", (text, expected) => {
  expect(addressed(MINE, text)).toBe(expected);
  expect(addressed(MINE, expected)).toBe(expected);
  expect(addressed(REPOSITORY, text)).toBe(text);
});

test.each([
  // Other commands, and other files.
  "npm run tools; ./flux/x, /a/flux/b, test.env",
  "npm run deploy-all, npm run secrets:all, npm run secrets -- create-all",
  // They list their subcommands, and have no --sandbox themselves.
  "npm run secrets lists them, `npm run state -- --help` too",
  // Git has no file of a sandbox.
  "git add .sops.yaml flux secrets",
  "`git checkout -- flux/apps .env`",
  // These name the sandbox, wherever among their options.
  "npm run deploy -- --environment staging --sandbox mine",
  "`npm run state -- restore --stack staging-cluster --sandbox=mine`",
  "npm run diff -- --sandbox",
  "(cd .sandbox/mine && sops updatekeys flux/apps/x.yaml)",
])("what has its place, or none in a sandbox, stays: %s", (text) => {
  expect(addressed(MINE, text)).toBe(text);
});

/** Commands as a text names them: the script, a subcommand, and what goes on behind it. */
const COMMANDS: ReadonlyArray<{ script: string; verb?: string; rest: string }> = [
  ...selectable(commandsOf(join(REPOSITORY, "src", "commands"))),
  { script: "deploy", rest: "--environment staging --yes" },
  { script: "diff", rest: "--stack staging-cluster" },
  { script: "validate", rest: "--fix" },
  { script: "secrets", verb: "rotate", rest: "--age-key --environment staging" },
  { script: "secrets", verb: "edit", rest: "nextcloud-admin --environment staging" },
  { script: "state", verb: "restore", rest: "--stack staging-cluster --yes" },
  { script: "deploy", rest: "--environment staging --sandbox mine --yes" },
  { script: "secrets", verb: "check", rest: "--environment staging --sandbox mine" },
];

/** What stands around a command in a sentence. */
const AROUND = [
  ["`", "`"],
  ["run ", ", then go on"],
  ["", "\nand go on"],
  ["(", ")"],
  ["first ", "."],
  ["now: ", "; "],
  ['"', '" does it. '],
] as const;

test("every command that works in a sandbox is known here", () => {
  const scripts = COMMANDS.map(({ script }) => script);
  expect(scripts).toEqual(expect.arrayContaining(["deploy", "secrets", "stacks", "state", "validate"]));
  for (const one of COMMANDS) expect(addressed(MINE, written(one))).toContain(" --sandbox mine");
});

test("commands in a text get one sandbox each, where their parser takes it, and in the checkout nothing changes", () => {
  const part = fc.tuple(fc.constantFrom(...COMMANDS), fc.constantFrom(...AROUND));
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 4 }), (parts) => {
      const text = parts.map(([one, [before, after]]) => `${before}${written(one)}${after} `).join("");
      expect(addressed(REPOSITORY, text)).toBe(text);
      let left = addressed(MINE, text);
      for (const [one, [before, after]] of parts) {
        expect(left.startsWith(before)).toBe(true);
        const end = left.indexOf(after, before.length);
        expect(end).toBeGreaterThan(0);
        const command = left.slice(before.length, end);
        left = left.slice(end + after.length + 1);
        expect(command.match(/--sandbox/g)).toHaveLength(1);
        expect(parsed(command)).toEqual({ ...parsed(written(one)), sandbox: "mine" });
      }
      expect(left).toBe("");
    }),
  );
});

function written({ script, verb, rest }: (typeof COMMANDS)[number]): string {
  return npmRunIn(
    REPOSITORY,
    script,
    ...(verb === undefined ? [] : [verb]),
    ...rest.split(" ").filter(Boolean),
  );
}

/** What the real parser makes of a command, as npm hands it on. */
function parsed(command: string): object {
  const [, script = "", words = ""] = /^npm run ([\w-]+)(?: -- (.*))?$/.exec(command) ?? [];
  let result: object | undefined;
  const listen = (one: Command): void => {
    one.exitOverride().configureOutput({ writeErr: () => undefined });
    one.action(() => {
      const { sandbox, ...options } = one.opts();
      result = { name: one.name(), args: one.args, options, sandbox };
    });
    one.commands.forEach(listen);
  };
  const root = commandsOf(join(REPOSITORY, "src", "commands"));
  root.commands.forEach(listen);
  root.exitOverride().parse([script, ...words.split(" ").filter(Boolean)], { from: "user" });
  if (result === undefined) throw new Error(`${command}: no command was begun`);
  return result;
}

/** The commands with --sandbox, with what they can't do without. */
function selectable(root: Command): Array<(typeof COMMANDS)[number]> {
  const found = root.commands.flatMap((script) => [
    { one: script, script: script.name() },
    ...script.commands.map((one) => ({ one, script: script.name(), verb: one.name() })),
  ]);
  return found
    .filter(({ one }) => one.options.some(({ long }) => long === "--sandbox"))
    .map(({ one, ...names }) => {
      const values = one.registeredArguments.filter(({ required }) => required).map(() => "nextcloud-admin");
      const options = one.options.filter(({ mandatory }) => mandatory).map(({ long }) => `${long} staging`);
      return { ...names, rest: [...values, ...options].join(" ") };
    });
}

/** The commands of the npm scripts; each file of a command exports what makes it. */
function commandsOf(folder: string): Command {
  const root = new Command("npm").enablePositionalOptions();
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8"));
  for (const file of readdirSync(folder)) {
    for (const [name, make] of Object.entries<unknown>(require(join(folder, file)))) {
      if (!/^\w+Command$/.test(name) || typeof make !== "function" || make.length > 0) continue;
      const command: Command = make();
      if (command.name() in scripts) root.addCommand(command);
    }
  }
  return root;
}
