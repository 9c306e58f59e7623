import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { type Editor, editSecret, findSecret } from "../../src/secrets/edit";
import { readRecipients } from "../../src/secrets/sops-configuration";
import { describeWithSops, SopsProject } from "./sops-project";

const secret = (name: string, values: ApplicationSecret["values"]): ApplicationSecret => ({
  folder: "flux/apps/app",
  name,
  namespace: "app",
  values,
});
const DECLARED = [
  secret("database", {
    password: {
      random: "hex",
      bytes: 32,
      rotation: { procedure: "The database keeps the old one ({edit})" },
    },
    url: { template: "postgres://app:{password}@db" },
    mail: { variable: "MAIL", what: "an address", withoutIt: "no mail is sent" },
  }),
];
const FILE = "flux/apps/app/staging/secrets/database.yaml";

let project: SopsProject;
let opened: string[];
let told: Array<readonly string[]>;
let file: string;

/** Somebody who makes these changes, one after the other, as often as the editor is opened, and then gives up. */
const person = (...changes: Array<(text: string) => string>): Editor => ({
  open: async (path) => {
    file = path;
    const text = readFileSync(path, "utf8");
    opened.push(text);
    writeFileSync(path, (changes[opened.length - 1] ?? ((same) => same))(text));
  },
  again: async (problems) => {
    told.push(problems);
    return opened.length < changes.length;
  },
});
const edit = (...changes: Array<(text: string) => string>) =>
  editSecret(findSecret([project.context("staging")], "app/database"), person(...changes), project.sops);
const values = () => project.open("database", "staging");
const passwordIs =
  (written: string) =>
  (text: string): string =>
    text.replace(/password: .*/, () => `password: ${written}`);
/** A password that is an alias of a text which is there. */
const anchored = (text: string): string =>
  passwordIs("*noted")(text).replace(/^( +)annotations:\n/m, "$&$1$1note: &noted sentinel\n");
const setPassword = (text: string): string => text.replace(/password: .*/, "password: newpassword");

describeWithSops("npm run secrets -- edit", () => {
  let before: string;
  beforeEach(async () => {
    [opened, told, file] = [[], [], ""];
    project = new SopsProject(DECLARED);
    await project.create("staging");
    await project.create("production");
    before = project.read(FILE);
  });
  afterEach(() => project.dispose());

  test("shows the plain text without SOPS's part, and writes what was changed, encrypted", async () => {
    const password = values().password as string;
    const result = await edit((text) => text.replace(/mail: .*/, 'mail: "it@acme.example" # of the office'));
    expect(opened[0]).toContain(`password: ${password}`);
    expect(opened[0]).not.toContain("sops:");
    expect(basename(file)).toBe("database.yaml");
    expect(result).toEqual({
      environment: "staging",
      file: FILE,
      outcome: "written",
      changed: ["mail"],
      madeAnew: [],
      effects: {},
    });
    expect(values()).toEqual({ password, url: `postgres://app:${password}@db`, mail: "it@acme.example" });
    expect(project.read(FILE)).not.toMatch(/acme\.example|of the office/);
    // The comment is there the next time, and no reason to refuse a change of another value.
    expect(await edit(setPassword, setPassword)).toMatchObject({ outcome: "written", changed: ["password"] });
    expect(opened[1]).toContain("of the office");
  });

  test("unchanged: nothing is written", async () => {
    expect(await edit((text) => text)).toMatchObject({ outcome: "unchanged" });
    expect(project.read(FILE)).toBe(before);
  });

  test("makes anew what is made of a changed value, unless that was changed too", async () => {
    expect(await edit(setPassword)).toMatchObject({
      changed: ["password"],
      madeAnew: ["url"],
      effects: {
        password:
          "The database keeps the old one (npm run secrets -- edit app/database --environment staging).",
      },
    });
    expect(values().url).toBe("postgres://app:newpassword@db");
    opened = [];
    await edit((text) =>
      text.replace(/password: .*/, "password: another").replace(/url: .*/, "url: by-hand"),
    );
    expect(values()).toMatchObject({ password: "another", url: "by-hand" });
  });

  test.each([
    ["no YAML", (text: string) => `${text}\n  bad: [`, /^line \d+ is no YAML/],
    [
      "an alias that names nothing",
      passwordIs("*sentinel9"),
      /^line \d+ is no YAML \(BAD_ALIAS: .*in quotes\)$/,
    ],
    ["an alias", anchored, /^stringData\.password in line \d+ begins with \*, .*: put it in quotes$/],
    ["an anchor", passwordIs("&sentinel9 x"), /^stringData\.password in line \d+ begins with &, /],
    [
      "an unknown tag",
      passwordIs("!sentinel9 x"),
      /^line \d+ is no YAML \(TAG_RESOLVE_FAILED: .*in quotes\)$/,
    ],
    ["a known tag", passwordIs("!!str sentinel"), /^stringData\.password in line \d+ begins with !, /],
    ["a tag without a name", passwordIs("! sentinel"), /^stringData\.password in line \d+ begins with !, /],
    [
      "a tag of an unknown handle",
      passwordIs("!a!sentinel9 x"),
      /^line \d+ is no YAML \(TAG_RESOLVE_FAILED: /,
    ],
    ["a block's mark", passwordIs("|sentinel9 x"), /^line \d+ is no YAML \(UNEXPECTED_TOKEN: /],
    [
      "a comment behind a value without quotes",
      passwordIs("abc #sentinel"),
      /^stringData\.password in line \d+: the value ends before the #: put it in quotes/,
    ],
    ["nothing", () => "", /no Kubernetes Secret any more/],
    [
      "a missing key",
      (text: string) => text.replace(/ +password: .*\n/, ""),
      /^stringData\.password is missing/,
    ],
    [
      "an empty value",
      (text: string) => text.replace(/password: .*/, 'password: ""'),
      /^stringData\.password is empty/,
    ],
    [
      "a number",
      (text: string) => text.replace(/password: .*/, "password: 123456"),
      /^stringData\.password is no text \(number\): put it into quotes/,
    ],
    [
      "a control character",
      (text: string) => text.replace(/password: .*/, 'password: "a\\u0001b"'),
      /has a control character/,
    ],
    [
      "another name",
      (text: string) => text.replace("name: database", "name: other"),
      /have to stay app\/database/,
    ],
    [
      "another kind",
      (text: string) => text.replace("kind: Secret", "kind: ConfigMap"),
      /kind has to stay "Secret"/,
    ],
    [
      "a part that no Secret has",
      (text: string) => `${text}stringdata:\n  more: sentinel\n`,
      /^stringdata is no part of a Kubernetes Secret and would be in Git in plain text/,
    ],
    [
      "values that only changed their part",
      (text: string) => text.replace("stringData:", "data:").replace(/ +(url|mail): .*\n/g, ""),
      /^data\.password is no Base64/,
    ],
    [
      "a comment that everybody could read",
      (text: string) => `# sentinel\n${text}`,
      /^the comment in line 1 would be in Git in plain text/,
    ],
    [
      "a comment behind an open part",
      (text: string) => text.replace("kind: Secret", "kind: Secret # sentinel"),
      /^the comment in line 2 would be in Git in plain text/,
    ],
    [
      "a comment behind the last value's line",
      (text: string) => `${text}# sentinel\n`,
      /^the comment in line \d+ would be in Git in plain text/,
    ],
  ])("%s is refused without its values, and nothing is written", async (_, change, message) => {
    expect(await edit(change)).toMatchObject({ outcome: "discarded" });
    expect(told).toHaveLength(1);
    expect(told[0]?.[0]).toMatch(message);
    expect(told.join()).not.toContain(values().password as string);
    expect(told.join()).not.toContain("sentinel");
    expect(project.read(FILE)).toBe(before);
  });

  test("a comment behind a value that is changed with it has to stand behind quotes", async () => {
    expect(await edit(passwordIs('"abc #Rest" # new'))).toMatchObject({ changed: ["password"] });
    expect(values().password).toBe("abc #Rest");
    [opened, told] = [[], []];
    await edit(passwordIs("abc #Other # new"));
    expect(told).toEqual([[expect.stringMatching(/the value ends before the #/)]]);
    expect(values().password).toBe("abc #Rest");
  });

  test("a text that can't be taken is opened again with all that was typed, and nothing is written", async () => {
    const result = await edit(
      (text) => `${setPassword(text)}\n  bad: [`,
      (text) => text.replace("\n  bad: [", ""),
    );
    expect(opened[1]).toContain("newpassword");
    expect([result.outcome, values().password]).toEqual(["written", "newpassword"]);
  });

  test("a file that changed meanwhile is not overwritten", async () => {
    const meanwhile = `${before}# somebody else\n`;
    const result = await edit((text) => {
      project.write(FILE, meanwhile);
      return setPassword(text);
    });
    expect([result.outcome, project.read(FILE)]).toEqual(["discarded", meanwhile]);
    expect(told).toEqual([[expect.stringMatching(/was changed by something else in the meantime/)]]);
  });

  test("when encrypting fails, what was typed is opened again", async () => {
    const rules = project.read(".sops.yaml");
    const result = await edit(
      (text) => {
        project.write(".sops.yaml", "creation_rules: []\n");
        return setPassword(text);
      },
      (text) => {
        project.write(".sops.yaml", rules);
        return text;
      },
    );
    expect([told[0]?.[0], result.outcome, values().password]).toEqual([
      expect.stringMatching(/database\.yaml was not written: /),
      "written",
      "newpassword",
    ]);
  });

  const RULE = "encrypted_regex: ^(data|stringData)$";

  test.each(["encrypted_regex: ^(foo)$", "unencrypted_regex: .*", "encrypted_suffix: _secret"])(
    "a rule that leaves values in plain text (%s): nothing is written, and what was typed is opened again",
    async (rule) => {
      const rules = project.read(".sops.yaml");
      expect(rules).toContain(RULE);
      const result = await edit(
        (text) => {
          project.write(".sops.yaml", rules.replaceAll(RULE, rule));
          return setPassword(text);
        },
        (text) => {
          expect(project.read(FILE)).toBe(before);
          project.write(".sops.yaml", rules);
          return text;
        },
      );
      expect(told).toEqual([
        [
          expect.stringMatching(
            /database\.yaml would hold stringData\.password, .* in plain text, .*encrypted_regex.*\.sops\.yaml/,
          ),
        ],
      ]);
      expect([opened[1]?.includes("newpassword"), result.outcome]).toEqual([true, "written"]);
      expect(project.read(FILE)).not.toContain("newpassword");
    },
  );

  test("a value that an annotation or label repeats is refused, since metadata is in Git in plain text", async () => {
    const annotate = (note: string) => (text: string) =>
      text.replace(/^( +)annotations:\n/m, `$&$1$1note: "${note}"\n`);
    const password = values().password as string;
    await edit(annotate(`the password is ${password}!`));
    expect(told).toEqual([
      [
        "metadata.annotations.note repeats the value of stringData.password and would be in Git in plain text, since only what is below data and stringData is encrypted: take it out",
      ],
    ]);
    expect(JSON.stringify(told)).not.toContain(password);
    expect(project.read(FILE)).toBe(before);
    [opened, told] = [[], []];
    expect((await edit(annotate("of the office"))).outcome).toBe("written");
    expect(project.read(FILE)).toContain("note: of the office");
  });

  test("a comment among the values is encrypted", async () => {
    expect(
      await edit((text) => text.replace(/( +)password:/, "$1# above the first\n$1password:")),
    ).toMatchObject({ outcome: "written" });
    expect(project.read(FILE)).not.toContain("above the first");
  });

  test("a .sops.yaml with another key than the one here: no editor is opened", async () => {
    const [staging, production] = ["staging", "production"].map(
      (name) => readRecipients(project.directory, name)?.[0],
    ) as [string, string];
    project.write(".sops.yaml", project.read(".sops.yaml").replace(staging, production));
    await expect(edit(setPassword)).rejects.toThrow(
      /\.secrets\/staging\/age\.agekey is not the key of staging/,
    );
    expect([opened, project.read(FILE)]).toEqual([[], before]);
  });

  test("a rule for this file alone that encrypts it for somebody else is found", async () => {
    const [production] = readRecipients(project.directory, "production") as [string];
    const rule = `creation_rules:\n  - path_regex: staging/secrets/database.yaml$\n    ${RULE}\n    age: ${production}\n`;
    project.write(".sops.yaml", project.read(".sops.yaml").replace("creation_rules:\n", rule));
    expect(await edit(setPassword)).toMatchObject({ outcome: "discarded" });
    expect(told).toEqual([[expect.stringContaining(`which encrypts it for ${production} and not for`)]]);
    expect(project.read(FILE)).toBe(before);
  });

  test("an editor that fails leaves everything as it was, and no plain text", async () => {
    let left = "";
    const editor: Editor = {
      open: async (path) => {
        left = path;
        throw new Error("the editor ended with 127");
      },
      again: async () => true,
    };
    const target = findSecret([project.context("staging")], FILE);
    await expect(editSecret(target, editor, project.sops)).rejects.toThrow("ended with 127");
    expect(() => readFileSync(left)).toThrow(/ENOENT/);
    expect(project.read(FILE)).toBe(before);
  });

  test("without the private key it says where the secret can be edited", async () => {
    project.remove(".secrets/staging");
    await expect(edit()).rejects.toThrow(/\.secrets\/staging\/age\.agekey is not on this machine/);
  });

  test("a name that means nothing, or more than one thing, is answered", () => {
    const contexts = ["staging", "production"].map((name) => project.context(name));
    expect(() => findSecret(contexts, "databse")).toThrow(
      /there is no secret databse in staging or production/,
    );
    expect(() => findSecret(contexts, "database")).toThrow(
      /can mean .*staging.* or .*production.*--environment/,
    );
    expect(findSecret(contexts, FILE).context.environment).toBe("staging");
  });
});
