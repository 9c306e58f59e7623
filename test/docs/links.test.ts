import { readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { checkConfigCommand } from "../../src/commands/check-config";
import { ciReadyCommand } from "../../src/commands/ci-ready";
import { demoCommand } from "../../src/commands/demo";
import { deployCommand } from "../../src/commands/deploy";
import { destroyCommand } from "../../src/commands/destroy";
import { diffCommand } from "../../src/commands/diff";
import { outputsCommand } from "../../src/commands/outputs";
import { previewCommand } from "../../src/commands/preview";
import { restoreCommand } from "../../src/commands/restore";
import { sandboxCommand } from "../../src/commands/sandbox";
import { secretsCommand } from "../../src/commands/secrets";
import { stacksCommand } from "../../src/commands/stacks";
import { stateCommand } from "../../src/commands/state";
import { statusCommand } from "../../src/commands/status";
import { synthCommand } from "../../src/commands/synth";
import { validateCommand } from "../../src/commands/validate";
import { isOfRemovedApplication } from "../flux-tree/tree";
import { REPOSITORY } from "../support/example";
import { anchors, isThere, page, pages, prose } from "./markdown";

const scripts = Object.keys(
  (JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { scripts: object }).scripts,
);

const commands = new Map(
  [
    checkConfigCommand,
    ciReadyCommand,
    demoCommand,
    deployCommand,
    destroyCommand,
    diffCommand,
    outputsCommand,
    previewCommand,
    restoreCommand,
    sandboxCommand,
    secretsCommand,
    stacksCommand,
    stateCommand,
    statusCommand,
    synthCommand,
    validateCommand,
  ].map((make) => {
    const command = make();
    return [
      command.name(),
      [
        ...[command, ...command.commands].flatMap(({ options }) =>
          options.flatMap(({ short, long }) => [short, long]),
        ),
        "--help",
      ] as (string | undefined)[],
    ];
  }),
);

describe.each(pages())("%s", (file) => {
  const text = page(file);

  test("its relative links lead to files and headings that exist", () => {
    const links = [...prose(text).matchAll(/\]\(([^)\s]+)\)/g)]
      .map(([, target]) => target as string)
      .filter((target) => !/^[a-z]+:/.test(target));
    const broken = links.filter((link) => {
      const [path = "", anchor] = link.split("#");
      const target = path === "" ? file : normalize(join(dirname(file), path));
      if (!isThere(target)) return true;
      return anchor !== undefined && !isOfRemovedApplication(target) && !anchors(page(target)).has(anchor);
    });

    expect(broken).toEqual([]);
  });

  test("its npm scripts exist", () => {
    const named = [...text.matchAll(/npm run (?:-s )?([a-z][a-z0-9:-]*)/g)].map(([, name]) => name as string);

    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });

  test("the options that it gives to commands exist", () => {
    const wrong = [...text.matchAll(/npm run ([a-z-]+) -- ([^`\n#]*)/g)].flatMap(
      ([, name = "", rest = ""]) => {
        const known = commands.get(name);
        // What follows the first word is passed on by `sandbox`.
        const own = name === "sandbox" ? rest.replace(/(^|\s)(?:npx|terraform)\s.*/, "") : rest;
        return (own.match(/(?<=^|\s)--?[a-z][a-z-]*/g) ?? [])
          .filter((option) => !known?.includes(option))
          .map((option) => `${name} ${option}`);
      },
    );

    expect(wrong).toEqual([]);
  });

  test("the files of the project that it names exist", () => {
    const path = /(?<![\w./<>\\-])(?:src|scripts|test|sandbox|flux|docs|\.github)\/[\w./<>*…\\-]+/g;
    const named = [...prose(text).matchAll(path)]
      .map(([match]) => match.replace(/[.…]+$/, ""))
      // A name with a part to fill in, and what a static configuration makes.
      .filter((name) => !/[<>*…\\]/.test(name) && !name.startsWith("flux/.backups"));

    expect(named.filter((name) => !isThere(name))).toEqual([]);
  });
});

test("there are pages to look at", () => {
  expect(pages().length).toBeGreaterThan(15);
  expect([...commands.keys()].filter((name) => !scripts.includes(name))).toEqual([]);
});
