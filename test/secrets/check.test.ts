import { spawnSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { parse, stringify } from "yaml";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { checkSecrets } from "../../src/secrets/check";
import { editSecret, findSecret } from "../../src/secrets/edit";
import { inventory } from "../../src/secrets/inventory";
import { beginKeyRotation } from "../../src/secrets/rotate-key";
import { rotateValues } from "../../src/secrets/rotate-values";
import { readRecipients } from "../../src/secrets/sops-configuration";
import { describeWithSops, SopsProject } from "./sops-project";

const DATABASE: ApplicationSecret = {
  folder: "flux/apps/app",
  name: "database",
  namespace: "app",
  values: {
    password: { random: "hex", bytes: 32 },
    mail: { variable: "MAIL", what: "an address", withoutIt: "no mail is sent" },
  },
};
const FILE = "flux/apps/app/staging/secrets/database.yaml";
const LIST = "flux/apps/app/staging/secrets/kustomization.yaml";

const OTHERS_FILE = "flux/apps/app/production/secrets/database.yaml";
const LAST_WAY_OUT =
  /If nobody has it, these values are lost: delete the secrets of staging \(find flux -path .*secrets.*and the rule of staging in \.sops\.yaml.*, and run npm run secrets -- create --environment staging/;

let project: SopsProject;
beforeEach(() => {
  project = new SopsProject([DATABASE]);
});
afterEach(() => project.dispose());

const check = async (environment = "staging", others = ["production"]): Promise<readonly string[]> =>
  (await checkSecrets(project.context(environment), others, project.sops)).findings;

const rotatePassword = () =>
  rotateValues(
    project.context("staging"),
    { secret: "app/database", key: "password", force: true },
    project.sops,
  );

describeWithSops("npm run secrets -- check", () => {
  beforeEach(async () => {
    await project.create("staging");
    await project.create("production");
  });

  test("finds nothing in what create made, and opened every file", async () => {
    expect(await checkSecrets(project.context("staging"), ["production"], project.sops)).toEqual({
      environment: "staging",
      files: 1,
      opened: true,
      findings: [],
    });
  });

  test.each(["*Sentinel9", "!Sentinel9 x", "|Sentinel9 x", "'x' Sentinel9", "@Sentinel9", "!a!Sentinel9 x"])(
    "a file in plain text that is no YAML is told without what is in it: %s",
    async (written) => {
      const warned: unknown[] = [];
      const warn = jest
        .spyOn(process, "emitWarning")
        .mockImplementation((warning) => void warned.push(warning));
      project.write(FILE, `apiVersion: v1\nkind: Secret\nstringData:\n  a: ${written}\n`);
      const message = await check().then(String, String);
      warn.mockRestore();
      expect(message).toMatch(/database\.yaml is damaged \(line \d+: [^)]+\): /);
      expect(message + warned.join()).not.toContain("Sentinel9");
    },
  );

  test("checks what can be seen without the private key, and says that it wasn't here", async () => {
    project.remove(".secrets");
    expect(await checkSecrets(project.context("staging"), ["production"], project.sops)).toMatchObject({
      opened: false,
      missingKey: expect.stringMatching(LAST_WAY_OUT),
      findings: [],
    });
  });

  test("every message about a missing key names the last way out, and it works", async () => {
    project.remove(".secrets/staging");
    const target = findSecret([project.context("staging")], FILE);
    const editor = { open: async () => undefined, again: async () => false };
    await expect(editSecret(target, editor, project.sops)).rejects.toThrow(LAST_WAY_OUT);
    await expect(rotatePassword()).rejects.toThrow(LAST_WAY_OUT);
    await expect(beginKeyRotation(project.directory, "staging", project.sops)).rejects.toThrow(LAST_WAY_OUT);
    expect((await project.create("staging")).missingKey).toMatch(LAST_WAY_OUT);
    // Another key in its place is moved away, too.
    project.write(".secrets/staging/age.agekey", project.read(".secrets/production/age.agekey"));
    chmodSync(project.path(".secrets/staging/age.agekey"), 0o600);
    const [foreign, ...others] = await check();
    expect([foreign, others]).toEqual([expect.stringMatching(LAST_WAY_OUT), []]);
    expect(foreign).toContain("in .sops.yaml, move .secrets/staging/age.agekey away, and run");
    const [, command = ""] = /\((find flux [^)]*)\)/.exec(foreign ?? "") ?? [];
    expect(spawnSync("sh", ["-c", command], { cwd: project.directory }).status).toBe(0);
    expect([project.has(FILE), project.has(LIST), project.has(OTHERS_FILE)]).toEqual([false, true, true]);
    project.remove(".secrets/staging");
    const rules = parse(project.read(".sops.yaml"));
    rules.creation_rules = rules.creation_rules.filter(
      ({ path_regex: pattern }: { path_regex: string }) => !pattern.includes("/staging/"),
    );
    project.write(".sops.yaml", stringify(rules));
    expect(await project.create("staging")).toMatchObject({ created: [FILE], problems: [] });
    expect(await check()).toEqual([]);
  });

  test("many secrets that don't exist are one finding", async () => {
    const more = ["a", "b", "c"].map((name) => ({ ...DATABASE, name }));
    project.declare([DATABASE, ...more]);
    expect(await check()).toHaveLength(3);
    project.remove(FILE);
    expect(await check()).toEqual([
      `4 of 4 secrets do not exist, such as ${FILE}: npm run secrets -- create`,
    ]);
  });

  test("a secret that doesn't exist", async () => {
    project.remove(FILE);
    expect(await check()).toEqual([`${FILE} does not exist: npm run secrets -- create`]);
  });

  test("a key that is missing in a file", async () => {
    project.declare([{ ...DATABASE, values: { ...DATABASE.values, more: { random: "hex", bytes: 8 } } }]);
    expect(await check()).toEqual([`${FILE}: missing more; npm run secrets -- create adds them`]);
  });

  test("a file in plain text, whose values no message holds", async () => {
    project.write(FILE, "kind: Secret\nstringData:\n  password: sentinel\n  mail: ''\n");
    expect(await check()).toEqual([
      expect.stringMatching(/^flux\S+database\.yaml is in plain text\. Delete it/),
    ]);
    expect((await check()).join()).not.toContain("sentinel");
  });

  test("a file with SOPS's part that was encrypted by a rule that leaves its values in plain text", async () => {
    const rules = project.read(".sops.yaml");
    project.write(".sops.yaml", rules.replaceAll("^(data|stringData)$", "^(foo)$"));
    expect(project.runSops("staging", "decrypt", "--in-place", FILE).status).toBe(0);
    expect(project.runSops("staging", "encrypt", "--in-place", FILE).status).toBe(0);
    const { password } = project.open("database", "staging") as { password: string };
    expect(project.read(FILE)).toContain(password);
    const findings = await check();
    expect(findings).toEqual([
      expect.stringMatching(/^flux\S+database\.yaml holds stringData\.password in plain text/),
    ]);
    expect(findings.join()).not.toContain(password);
    // Neither do the others go on with such a file: rotate would keep its rule.
    await expect(rotatePassword()).rejects.toThrow(/database\.yaml\S* would hold stringData\.password/);
    await expect(beginKeyRotation(project.directory, "staging", project.sops)).rejects.toThrow(
      /database\.yaml is in plain text/,
    );
    expect(project.open("database", "staging")).toMatchObject({ password });
    // The fix that the finding names.
    project.write(".sops.yaml", rules);
    project.runSops("staging", "decrypt", "--in-place", FILE);
    project.runSops("staging", "encrypt", "--in-place", FILE);
    expect(await check()).toEqual([]);
  });

  test("a file that kustomize doesn't read", async () => {
    project.write(
      LIST,
      project.read(LIST).replace("- database.yaml", "[]").replace("resources:\n ", "resources:"),
    );
    expect(await check()).toEqual([
      expect.stringContaining(`${FILE} is not listed in the kustomization.yaml`),
    ]);
    // And create puts it right.
    await project.create("staging");
    expect(await check()).toEqual([]);
  });

  test("a file that is encrypted for another environment's key", async () => {
    project.write(FILE, project.read(FILE.replace("staging", "production")));
    const [staging] = readRecipients(project.directory, "staging") as [string];
    const [production] = readRecipients(project.directory, "production") as [string];
    expect(await check()).toEqual([
      `${FILE} is not encrypted for ${staging}, a key of staging in .sops.yaml: sops updatekeys ${FILE}`,
      `${FILE} can be read by ${production}, who is not among those of staging in .sops.yaml: sops updatekeys ${FILE}`,
      expect.stringMatching(/can't be decrypted with \.secrets\/staging\/age\.agekey/),
      `${FILE} opens with the key of production: sops updatekeys ${FILE}`,
    ]);
  });

  test("one key for two environments", async () => {
    const [staging] = readRecipients(project.directory, "staging") as [string];
    const [production] = readRecipients(project.directory, "production") as [string];
    project.write(".sops.yaml", project.read(".sops.yaml").replace(production, staging));
    expect(await check("production", ["staging"])).toContainEqual(
      expect.stringContaining(
        `.sops.yaml: production has the key of staging (${staging}), which would open the secrets of both`,
      ),
    );
    // The environment whose key it is has done nothing wrong.
    expect(await check()).toEqual([]);
  });

  test.each([
    [
      "a file of production that is staging's",
      () => project.write(FILE.replace("staging", "production"), project.read(FILE)),
      /is not encrypted for/,
    ],
    [
      "staging's private key in production's place",
      () => project.write(".secrets/production/age.agekey", project.read(".secrets/staging/age.agekey")),
      /is not the key of production/,
    ],
  ])("%s is production's fault only", async (_, damage, finding) => {
    damage();
    expect(await check()).toEqual([]);
    expect((await check("production", ["staging"]))[0]).toMatch(finding);
  });

  test("a value that nobody has given, by its key and not by its content", async () => {
    project.runSops("staging", "set", FILE, '["stringData"]["password"]', '"CHANGE_ME_sentinel"');
    const findings = await check();
    expect(findings).toEqual([
      expect.stringContaining(`${FILE}: password stands for a value that nobody has given`),
    ]);
    expect(findings.join()).not.toContain("sentinel");
  });

  test("a file that was changed by hand", async () => {
    const text = project.read(FILE);
    const encrypted = /ENC\[AES256_GCM,data:(.)/;
    project.write(
      FILE,
      text.replace(encrypted, (all, first: string) => all.slice(0, -1) + (first === "A" ? "B" : "A")),
    );
    expect(await check()).toEqual([
      expect.stringMatching(/database\.yaml can't be decrypted with .*git checkout --/),
    ]);
  });

  test("a name in the open part that was changed, as the static configuration does, is no damage", async () => {
    project.write(FILE, project.read(FILE).replace("namespace: app", "namespace: another"));
    expect(await check()).toEqual([]);
  });

  test("a private key that others can read", async () => {
    chmodSync(project.path(".secrets/staging/age.agekey"), 0o644);
    expect(await check()).toEqual([
      ".secrets/staging/age.agekey can be read by other users: chmod 600 .secrets/staging/age.agekey",
    ]);
  });

  test("a private key that is another than .sops.yaml's", async () => {
    project.write(".secrets/staging/age.agekey", project.read(".secrets/production/age.agekey"));
    expect(await check()).toEqual([
      expect.stringMatching(/^\.secrets\/staging\/age\.agekey is not the key of staging in \.sops\.yaml/),
    ]);
  });

  test("a rule of .sops.yaml that is gone", async () => {
    project.remove(".sops.yaml");
    expect((await check())[0]).toBe(".sops.yaml has no rule for staging: npm run secrets -- create makes it");
  });
});

describeWithSops("npm run secrets -- list", () => {
  test("tells what is created, what a file lacks and which given values are missing", async () => {
    const missing = expect.objectContaining({ key: "mail", variables: ["STAGING_MAIL", "MAIL"] });
    expect(inventory(project.context("staging"))).toEqual([
      {
        name: "database",
        namespace: "app",
        file: FILE,
        created: false,
        keys: ["password", "mail"],
        missingKeys: ["password", "mail"],
        missingValues: [missing],
      },
    ]);
    await project.create("staging");
    expect(inventory(project.context("staging"))).toMatchObject([
      { created: true, missingKeys: [], missingValues: [missing] },
    ]);
    expect(inventory(project.context("staging", { MAIL: "it@acme.example" }))).toMatchObject([
      { missingValues: [] },
    ]);
  });
});

test.each([
  ["creation_rules: [", /^\.sops\.yaml is damaged .*git checkout -- \.sops\.yaml/s],
  ["- a list\n", /^\.sops\.yaml is damaged \(it is no mapping\)/],
  [
    "creation_rules:\n  - path_regex: staging\n    pgp: 0123\n",
    /the rule for staging \(staging\) names no age recipient/,
  ],
])("a .sops.yaml that can't be used is told with its fix: %j", (text, message) => {
  project.write(".sops.yaml", text);
  expect(() => readRecipients(project.directory, "staging")).toThrow(message);
});
