import type { ApplicationSecret, SecretValue } from "../../src/secrets/application-secret";
import { applicationSecrets } from "../../src/secrets/applications";
import { webhookPath } from "../../src/secrets/private-files";
import { type RotationChoice, rotateValues } from "../../src/secrets/rotate-values";
import { describeWithSops, SopsProject } from "./sops-project";

const AFTER = { after: "restart it" };
const secret = (name: string, values: Record<string, SecretValue>): ApplicationSecret => ({
  folder: "flux/apps/app",
  name,
  namespace: "app",
  values,
});
const SESSION = secret("session", {
  jwt: { random: "hex", bytes: 32, rotation: AFTER },
  url: { template: "https://{jwt}@app" },
  given: { variable: "GIVEN", what: "a given value", withoutIt: "less" },
  undeclared: { random: "uuid", bytes: 16 },
});
const DATABASE = secret("database", {
  password: {
    random: "hex",
    bytes: 32,
    rotation: { procedure: "The database keeps the old password, which {edit} shows" },
  },
});
const ARCHIVE = secret("archive", {
  key: { random: "hex", bytes: 32, rotation: { loss: "every old archive" } },
});
const WEBHOOK = secret("webhook", { token: { privateFile: "webhook-token" } });

let project: SopsProject;
let before: Record<string, Record<string, string>>;
const NAMES = ["session", "database", "archive", "webhook"];
const values = () => Object.fromEntries(NAMES.map((name) => [name, project.open(name, "staging")]));
const rotate = (choice: RotationChoice = {}) =>
  rotateValues(project.context("staging"), choice, project.sops);
const changed = (): string[] => {
  const now = values();
  return NAMES.flatMap((name) =>
    Object.keys(now[name] ?? {})
      .filter((key) => now[name]?.[key] !== before[name]?.[key])
      .map((key) => `${name}.${key}`),
  );
};

describeWithSops("new values", () => {
  beforeEach(async () => {
    project = new SopsProject([SESSION, DATABASE, ARCHIVE, WEBHOOK]);
    await project.create("staging", { GIVEN: "sentinel-given" });
    before = values();
  });
  afterEach(() => project.dispose());

  test("are made of what a running system takes, with what is made of it; the rest is told and stays", async () => {
    const { rotated, kept } = await rotate();
    expect(changed()).toEqual(["session.jwt", "session.url", "webhook.token"]);
    expect(rotated.map(({ secret: name, key, madeAnew }) => [name, key, madeAnew])).toEqual([
      ["app/session", "jwt", ["url"]],
      ["app/webhook", "token", []],
    ]);
    expect(kept.map(({ secret: name, key, because, asked }) => [name, key, asked, because])).toEqual([
      [
        "app/session",
        "undeclared",
        false,
        expect.stringMatching(/^Nobody has declared what a new value does/),
      ],
      [
        "app/database",
        "password",
        false,
        expect.stringMatching(
          /^The database keeps the old password, which npm run secrets -- edit app\/database --environment staging shows\. For this one: --secret app\/database --key-name password --force/,
        ),
      ],
      [
        "app/archive",
        "key",
        false,
        expect.stringMatching(/^With a new one every old archive can't be read any more/),
      ],
    ]);
    const now = values();
    expect(now.session?.url).toBe(`https://${now.session?.jwt}@app`);
    expect(now.session?.jwt).toMatch(/^[0-9a-f]{64}$/);
  });

  test("of what a running system keeps are refused without --force, and made with it", async () => {
    const refused = await rotate({ secret: "app/database" });
    expect([refused.rotated, refused.kept.map(({ asked }) => asked), changed()]).toEqual([[], [true], []]);
    await rotate({ secret: "database", force: true });
    expect(changed()).toEqual(["database.password"]);
  });

  test("--force alone forces nothing: each has to be named", async () => {
    await rotate({ force: true });
    expect(changed()).toEqual(["session.jwt", "session.url", "webhook.token"]);
  });

  test("are never made for given values, which are told with their variable", async () => {
    const { kept } = await rotate({ secret: "session", key: "given", force: true });
    expect(kept).toEqual([
      expect.objectContaining({
        asked: true,
        because: "given by you: set GIVEN and use npm run secrets -- edit app/session --environment staging",
      }),
    ]);
    expect(changed()).toEqual([]);
  });

  test("one key, and no other", async () => {
    await rotate({ secret: "session", key: "undeclared", force: true });
    expect(changed()).toEqual(["session.undeclared"]);
  });

  test("of the webhook change its private file too, so that deploy calls the new address", async () => {
    const path = webhookPath(project.directory, "staging", undefined);
    await rotate({ secret: "webhook" });
    expect(project.read(".secrets/staging/webhook-token")).toBe(values().webhook?.token);
    expect(webhookPath(project.directory, "staging", path)).not.toBe(path);
  });

  test("a dry run says the same and changes nothing", async () => {
    const dry = await rotate({ dryRun: true });
    expect(changed()).toEqual([]);
    expect(await rotate()).toEqual(dry);
  });

  test("need the private key", async () => {
    project.remove(".secrets/staging/age.agekey");
    await expect(rotate()).rejects.toThrow(/age\.agekey is not on this machine/);
    expect((await rotate({ dryRun: true })).rotated).toHaveLength(2);
  });

  test("no result holds a value", async () => {
    const text = JSON.stringify(await rotate({ secret: "session" }));
    for (const value of [...Object.values(before.session ?? {}), ...Object.values(values().session ?? {})])
      expect(text).not.toContain(value);
  });
});

test("every random value of an application says what a new one does to a system that runs", () => {
  const silent = applicationSecrets.flatMap(({ name, values: declared }) =>
    Object.entries(declared)
      .filter(([, value]) => "random" in value && value.rotation === undefined)
      .map(([key]) => `${name}.${key}`),
  );
  expect(silent).toEqual([]);
});

test("a procedure leaves the command that shows the secret to the place where it is read", () => {
  const procedures = applicationSecrets.flatMap(({ values: declared }) =>
    Object.values(declared).flatMap((value) =>
      "random" in value && value.rotation && "procedure" in value.rotation ? [value.rotation.procedure] : [],
    ),
  );
  expect(procedures.length).toBeGreaterThan(0);
  for (const procedure of procedures) expect(procedure).not.toContain("secrets -- edit");
  expect(procedures.filter((procedure) => procedure.includes("{edit}")).length).toBeGreaterThanOrEqual(3);
});
