import { createHash } from "node:crypto";
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { keepAgeKey, newAgeKey, readAgeKey } from "../../src/secrets/age-key";
import type { ApplicationSecret, SecretValue } from "../../src/secrets/application-secret";
import { addRecipient, readRecipients } from "../../src/secrets/sops-configuration";
import { build, describeWithKubectl } from "../flux-tree/kubectl";
import { describeWithSops, SopsProject } from "./sops-project";

const secret = (name: string, values: Record<string, SecretValue>): ApplicationSecret => ({
  folder: "flux/apps/app",
  name,
  namespace: "app",
  values,
});
const DATABASE = secret("database", {
  password: { random: "hex", bytes: 32 },
  session: { random: "base64url", bytes: 24 },
  id: { random: "uuid", bytes: 16 },
  url: { template: "postgres://app:{password}@db:5432/app" },
  auth: { htpasswd: { user: "admin", passwordKey: "session" } },
});
const MAIL = secret("mail", {
  token: { variable: "MAIL_TOKEN", what: "a token of the mail service" },
  sender: { variable: "MAIL_SENDER", what: "the sender", withoutIt: "the default sender is used" },
});
const FILES = "flux/apps/app/staging/secrets";

let project: SopsProject;
beforeEach(() => {
  project = new SopsProject([DATABASE]);
});
afterEach(() => project.dispose());

/** Every file of the project but the private ones, and every name. */
function publicFiles(): string[] {
  return (readdirSync(project.directory, { recursive: true, withFileTypes: true }) as any[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !file.includes("/.secrets/"));
}

describeWithSops("npm run secrets -- create", () => {
  test("makes values of the declared form and strength", async () => {
    expect(await project.create("staging")).toMatchObject({
      madeKey: ".secrets/staging/age.agekey",
      created: [`${FILES}/database.yaml`],
      problems: [],
    });
    const values = project.open("database", "staging");
    expect(values.password).toMatch(/^[0-9a-f]{64}$/);
    expect(Buffer.from(values.session ?? "", "base64url")).toHaveLength(24);
    expect(values.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(values.url).toBe(`postgres://app:${values.password}@db:5432/app`);
    const digest = createHash("sha1")
      .update(values.session ?? "")
      .digest("base64");
    expect(values.auth).toBe(`admin:{SHA}${digest}`);
  });

  test("a rule that leaves values in plain text: nothing is written, and the rule is named", async () => {
    await project.create("staging");
    project.remove(`${FILES}/database.yaml`);
    const rules = project.read(".sops.yaml");
    project.write(
      ".sops.yaml",
      rules.replace("encrypted_regex: ^(data|stringData)$", "unencrypted_regex: .*"),
    );
    const { created, problems } = await project.create("staging");
    expect([created, problems]).toEqual([
      [],
      [expect.stringMatching(/database\.yaml would hold stringData\.password, .*rule in \.sops\.yaml/)],
    ]);
    expect(project.has(`${FILES}/database.yaml`)).toBe(false);
  });

  test("writes a Kubernetes Secret whose values only SOPS reads, and lists it beside the comment", async () => {
    await project.create("staging");
    const manifest = parse(project.read(`${FILES}/database.yaml`));
    expect(manifest).toMatchObject({
      apiVersion: "v1",
      kind: "Secret",
      // Flux substitutes after it has decrypted: a password may have a `${` in it.
      metadata: {
        name: "database",
        namespace: "app",
        annotations: { "kustomize.toolkit.fluxcd.io/substitute": "disabled" },
      },
      type: "Opaque",
      sops: { encrypted_regex: "^(data|stringData)$", mac_only_encrypted: true },
    });
    expect(Object.keys(manifest.stringData)).toEqual(Object.keys(DATABASE.values));
    for (const value of Object.values(manifest.stringData)) expect(value).toMatch(/^ENC\[AES256_GCM,/);
    expect(project.read(`${FILES}/kustomization.yaml`)).toBe(
      `# Encrypted secrets; npm run secrets adds them.
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
labels:
  - pairs:
      hybrid-gitops/encrypted-with: sops
resources:
  - database.yaml
`,
    );
  });

  test("leaves no value in any file but encrypted, and no file beside those that it names", async () => {
    const before = publicFiles();
    const sentinel = "sentinel-5e471e1d";
    project.declare([DATABASE, MAIL]);
    await project.create("staging", { MAIL_TOKEN: sentinel });
    const values = [...Object.values(project.open("database", "staging")), sentinel];
    for (const file of publicFiles())
      for (const value of values)
        expect([file, readFileSync(file, "utf8").includes(value)]).toEqual([file, false]);
    const fresh = publicFiles().filter((file) => !before.includes(file));
    expect(fresh.map((file) => file.slice(project.directory.length + 1)).sort()).toEqual([
      ".sops.yaml",
      `${FILES}/database.yaml`,
      `${FILES}/mail.yaml`,
    ]);
    expect(statSync(project.path(".secrets/staging/age.agekey")).mode & 0o777).toBe(0o600);
  });

  test("gives each environment a key of its own, which doesn't open the other's secrets", async () => {
    await project.create("staging");
    await project.create("production");
    const [staging, production] = [
      readRecipients(project.directory, "staging"),
      readRecipients(project.directory, "production"),
    ];
    expect(staging).toEqual([readAgeKey(project.directory, "staging")?.recipient]);
    expect(production).not.toEqual(staging);
    expect(
      parse(project.read(".sops.yaml"))
        .creation_rules.map((rule: any) => rule.path_regex)
        .sort(),
    ).toEqual(["^flux/.*/production/secrets/", "^flux/.*/staging/secrets/"]);
    expect(project.runSops("production", "decrypt", `${FILES}/database.yaml`).status).not.toBe(0);
    expect(project.runSops("staging", "decrypt", `${FILES}/database.yaml`).status).toBe(0);
  });

  test("a second run makes nothing and changes no byte", async () => {
    await project.create("staging");
    const before = publicFiles().map((file) => [file, readFileSync(file, "utf8"), statSync(file).mtimeMs]);
    const again = await project.create("staging");
    expect(again).toEqual({
      environment: "staging",
      created: [],
      completed: [],
      problems: [],
      switchedOff: [],
    });
    expect(publicFiles().map((file) => [file, readFileSync(file, "utf8"), statSync(file).mtimeMs])).toEqual(
      before,
    );
  });

  test("SOPS's own commands work on what it wrote, for people who go on by hand", async () => {
    await project.create("staging");
    expect(
      project.runSops("staging", "set", `${FILES}/database.yaml`, '["stringData"]["session"]', '"mine"')
        .status,
    ).toBe(0);
    expect(project.open("database", "staging").session).toBe("mine");
  });

  test("a key that is declared later is added, of what is there already; the other values stay as they are", async () => {
    await project.create("staging");
    const before = parse(project.read(`${FILES}/database.yaml`)).stringData;
    project.declare([
      { ...DATABASE, values: { ...DATABASE.values, readonly: { template: "postgres://ro:{password}@db" } } },
    ]);
    expect((await project.create("staging")).completed).toEqual([
      { file: `${FILES}/database.yaml`, keys: ["readonly"] },
    ]);
    const values = project.open("database", "staging");
    expect(values.readonly).toBe(`postgres://ro:${values.password}@db`);
    const { readonly: _, ...others } = parse(project.read(`${FILES}/database.yaml`)).stringData;
    expect(others).toEqual(before);
  });

  test("without the private key secrets can be made, and not completed", async () => {
    await project.create("staging");
    project.remove(".secrets");
    project.declare([DATABASE, secret("second", { token: { random: "hex", bytes: 16 } })]);
    expect(await project.create("staging")).toMatchObject({
      created: [`${FILES}/second.yaml`],
      problems: [],
    });
    expect(project.has(".secrets")).toBe(false);
    expect((await project.create("staging")).missingKey).toMatch(
      /^\.secrets\/staging\/age\.agekey is missing: .*\. Fix: take .* from a colleague .*kubectl .*get secret sops-age/,
    );
    project.declare([{ ...DATABASE, values: { ...DATABASE.values, more: { random: "hex", bytes: 16 } } }]);
    expect((await project.create("staging")).problems).toEqual([
      `${FILES}/database.yaml: missing more; add them on a machine that has .secrets/staging/age.agekey, with npm run secrets -- create`,
    ]);
  });

  test("nothing is encrypted for a key of which only the rule is left, and both ways to go on are named", async () => {
    // As after an environment of this name was removed without its rule.
    addRecipient(project.directory, "staging", newAgeKey().recipient);
    const rules = project.read(".sops.yaml");
    const refused = await project.create("staging");
    expect(refused).toMatchObject({ created: [], completed: [], problems: [expect.any(String)] });
    expect(refused.problems[0]).toMatch(
      /^\.sops\.yaml has the key age1\S+ for staging, but its private half is not on this machine, and no secret of staging is encrypted for it.* If a colleague has that key: take \.secrets\/staging\/age\.agekey from .* If nobody has it: delete the rule of staging in \.sops\.yaml, and run npm run secrets -- create --environment staging\. It makes a new key\. Nothing is lost/,
    );
    expect([project.has(".secrets"), project.has(`${FILES}/database.yaml`)]).toEqual([false, false]);
    expect(project.read(".sops.yaml")).toBe(rules);
    project.remove(".sops.yaml");
    expect(await project.create("staging")).toMatchObject({ problems: [], created: [expect.any(String)] });
  });

  test("a needed value that nobody gave holds back its secret only, and says which to give", async () => {
    project.declare([MAIL, DATABASE]);
    const { created, problems } = await project.create("staging");
    expect(created).toEqual([`${FILES}/database.yaml`]);
    expect(problems).toEqual([
      `${FILES}/mail.yaml: MAIL_TOKEN is not set (a token of the mail service): put it into .env or the environment, as STAGING_MAIL_TOKEN for this environment only`,
    ]);
    expect(project.has(`${FILES}/mail.yaml`)).toBe(false);
  });

  test("an optional value may be left out, and is taken over once it is given", async () => {
    project.declare([MAIL]);
    const first = await project.create("staging", { MAIL_TOKEN: "general", STAGING_MAIL_TOKEN: "special" });
    expect(first.switchedOff).toMatchObject([{ key: "sender", withoutIt: "the default sender is used" }]);
    expect(project.open("mail", "staging")).toEqual({ token: "special", sender: "" });
    const second = await project.create("staging", {
      MAIL_TOKEN: "other",
      MAIL_SENDER: 'it"s@\nacme.example',
    });
    expect(second.completed).toEqual([{ file: `${FILES}/mail.yaml`, keys: ["sender"] }]);
    // A value that is there is kept, whatever the variable says now.
    expect(project.open("mail", "staging")).toEqual({ token: "special", sender: 'it"s@\nacme.example' });
  });

  test("what is made of a value that was given later is made anew, and nothing else", async () => {
    const CLOUD = secret("cloud", {
      key: { variable: "CLOUD_KEY", what: "a key", withoutIt: "no backups are made" },
      file: { template: "[default]\nkey={key}\n" },
      link: { template: "{file}{other}" },
      other: { random: "hex", bytes: 16 },
    });
    project.declare([CLOUD]);
    await project.create("staging");
    const { other, file } = project.open("cloud", "staging");
    expect(file).toBe("[default]\nkey=\n");
    expect((await project.create("staging", { CLOUD_KEY: "k" })).completed).toEqual([
      { file: `${FILES}/cloud.yaml`, keys: ["key", "file", "link"] },
    ]);
    const text = "[default]\nkey=k\n";
    expect(project.open("cloud", "staging")).toEqual({
      key: "k",
      file: text,
      link: `${text}${other}`,
      other,
    });
  });

  test("texts that YAML could take for something else stay texts", async () => {
    project.declare([
      secret("texts", { a: { template: "0123" }, b: { template: "yes" }, c: { template: "1e3" } }),
    ]);
    await project.create("staging");
    expect(project.open("texts", "staging")).toEqual({ a: "0123", b: "yes", c: "1e3" });
  });

  test("the receiver's token is the one that GitHub's webhook is made of, or none", async () => {
    project.declare([secret("receiver", { token: { privateFile: "webhook-token" } })]);
    await project.create("staging");
    const token = project.read(".secrets/staging/webhook-token").trim();
    expect(token).toMatch(/^[0-9a-f]{64}$/);
    expect(project.open("receiver", "staging")).toEqual({ token });
    const published = {
      publicKey: { id: "1", key: "a" },
      secrets: {},
      deployKey: "k",
      webhookPath: "/hook/0",
    };
    project.write("secrets/production.json", JSON.stringify(published));
    expect((await project.create("production")).problems).toEqual([
      expect.stringContaining(".secrets/production/webhook-token is on the machine that deployed first"),
    ]);
    expect(project.has("flux/apps/app/production/secrets/receiver.yaml")).toBe(false);
  });

  test("an application that Flux doesn't apply in an environment gets no secrets there", async () => {
    project.remove("flux/clusters/staging/app.yaml");
    expect(await project.create("staging")).toMatchObject({ created: [], problems: [] });
  });

  test("keys of the caller's environment are neither encrypted for nor used", async () => {
    const foreign = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    process.env.SOPS_AGE_RECIPIENTS = foreign;
    try {
      await project.create("staging");
    } finally {
      delete process.env.SOPS_AGE_RECIPIENTS;
    }
    expect(parse(project.read(`${FILES}/database.yaml`)).sops.age).toMatchObject([
      { recipient: readAgeKey(project.directory, "staging")?.recipient },
    ]);
    expect(project.read(`${FILES}/database.yaml`)).not.toContain(foreign);
  });

  test("a .sops.yaml of one's own is kept: its comments, its rules, a second reader", async () => {
    const second = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    await project.create("staging");
    const first = readRecipients(project.directory, "staging")?.[0];
    project.write(
      ".sops.yaml",
      `# mine\ncreation_rules:\n  # the other one\n  - path_regex: ^notes/\n    age: ${second}\n  - path_regex: ^flux/.*/staging/secrets/\n    encrypted_regex: ^(data|stringData)$\n    age: ${first},${second}\n`,
    );
    project.declare([DATABASE, secret("second", { token: { random: "hex", bytes: 16 } })]);
    await project.create("staging");
    await project.create("production");
    const text = project.read(".sops.yaml");
    expect(text).toContain("# mine\n");
    expect(text).toContain("# the other one\n");
    expect(parse(text).creation_rules.map((rule: any) => rule.path_regex)).toEqual([
      "^flux/.*/production/secrets/",
      "^notes/",
      "^flux/.*/staging/secrets/",
    ]);
    expect(parse(project.read(`${FILES}/second.yaml`)).sops.age.map((entry: any) => entry.recipient)).toEqual(
      [first, second],
    );
  });

  test("a private key that is another than .sops.yaml's stops before anything is encrypted", async () => {
    await project.create("staging");
    await project.create("production");
    project.write(".secrets/staging/age.agekey", project.read(".secrets/production/age.agekey"));
    project.declare([DATABASE, secret("second", { token: { random: "hex", bytes: 16 } })]);
    await expect(project.create("staging")).rejects.toThrow(
      /\.secrets\/staging\/age\.agekey is not the key of staging in \.sops\.yaml \(age1/,
    );
    expect(project.has(`${FILES}/second.yaml`)).toBe(false);
  });

  test("a folder that can't list the secret is told with its fix", async () => {
    project.remove(`${FILES}/kustomization.yaml`);
    expect((await project.create("staging")).problems).toEqual([
      expect.stringMatching(/^flux\/apps\/app\/staging\/secrets\/kustomization\.yaml is missing.*copy/),
    ]);
    expect(project.has(`${FILES}/database.yaml`)).toBe(false);
  });

  test.each([
    [
      "a template of an unknown key",
      { url: { template: "{nothing}" } },
      "there is no key nothing to make url of",
    ],
    [
      "a circle",
      { a: { template: "{b}" }, b: { template: "{a}" } },
      "a is made of b is made of a, which never ends",
    ],
    [
      "an htpasswd line of a value that people choose",
      { word: { variable: "WORD", what: "a word" }, auth: { htpasswd: { user: "me", passwordKey: "word" } } },
      "word has to be random with at least 16 bytes",
    ],
  ] as const)("a declaration that can't work is told: %s", async (_, values, message) => {
    project.declare([secret("wrong", values as Record<string, SecretValue>)]);
    expect((await project.create("staging", { WORD: "short" })).problems).toEqual([
      expect.stringContaining(message),
    ]);
    expect(project.has(`${FILES}/wrong.yaml`)).toBe(false);
  });
});

describeWithKubectl("the secrets folder", () => {
  test("builds before there are secrets: into nothing", () => {
    expect(build(project.path(FILES))).toBe("");
  });

  describeWithSops("with secrets in it", () => {
    test("builds into Secrets that carry what SOPS needs to open them, and the folder's label", async () => {
      await project.create("staging");
      const built = parse(build(project.path(FILES)));
      expect(built).toMatchObject({
        kind: "Secret",
        metadata: { name: "database", namespace: "app", labels: { "hybrid-gitops/encrypted-with": "sops" } },
        sops: { age: [{ recipient: readAgeKey(project.directory, "staging")?.recipient }] },
      });
      expect(built.stringData).toEqual(parse(project.read(`${FILES}/database.yaml`)).stringData);
    });
  });
});

describeWithSops("secrets whose rule in .sops.yaml is gone", () => {
  test("get no new key that would not open them: their own is asked for", async () => {
    await project.create("staging");
    const recipient = readAgeKey(project.directory, "staging")?.recipient;
    rmSync(project.path(".sops.yaml"));
    rmSync(project.path(".secrets"), { recursive: true });
    await expect(project.create("staging")).rejects.toThrow(
      `${FILES}/database.yaml is encrypted for ${recipient}, and .sops.yaml has no rule for staging: a new key would not open it. Fix: restore`,
    );
    expect([project.has(".secrets"), project.has(".sops.yaml")]).toEqual([false, false]);
    // Nor does another key that is here already get a rule.
    keepAgeKey(project.directory, "staging");
    await expect(project.create("staging")).rejects.toThrow(`is encrypted for ${recipient}`);
    expect(project.has(".sops.yaml")).toBe(false);
  });

  test("get their rule again as long as their key is here", async () => {
    await project.create("staging");
    rmSync(project.path(".sops.yaml"));
    expect(await project.create("staging")).toMatchObject({ created: [], problems: [] });
    expect(readRecipients(project.directory, "staging")).toEqual([
      readAgeKey(project.directory, "staging")?.recipient,
    ]);
  });
});

test("without sops it says how to get it, once, and makes nothing that would need it", async () => {
  const { Sops } = await import("../../src/secrets/sops");
  const { createSecrets } = await import("../../src/secrets/create");
  const absent = new Sops("/nowhere/sops", project.directory);
  await expect(createSecrets(project.context("staging"), absent)).rejects.toThrow(
    /^sops is not installed: "mise install".*"npm run tools"/,
  );
  for (const file of [`${FILES}/database.yaml`, ".secrets/staging/age.agekey", ".sops.yaml"])
    expect(project.has(file)).toBe(false);
});
