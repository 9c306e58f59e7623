import { find, TemporaryProject } from "./project";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.configure();
  project.uninstall("curl");
  project.write(".env", "DIGITALOCEAN_TOKEN=dop_v1_abc\n", 0o600);
});
afterEach(() => project.dispose());

interface Value {
  readonly variables: readonly [string, string];
  readonly withoutIt?: string;
}

/** What `secrets list` says of one secret. */
const secret = (
  created: boolean,
  missingValues: readonly Value[] = [],
  missingKeys: readonly string[] = [],
) => ({
  created,
  missingKeys,
  missingValues,
});
const listing = (...secrets: ReadonlyArray<ReturnType<typeof secret>>) => ({
  environments: [{ environment: "staging", secrets }],
});
const creation = (more: Readonly<Record<string, unknown>> = {}) => ({
  environments: [
    { environment: "staging", created: ["a.yaml", "b.yaml"], completed: [], problems: [], ...more },
  ],
});
const asked = (): string => (project.has("dist/secrets.log") ? project.read("dist/secrets.log") : "");

describe("the applications' secrets in setup.sh", () => {
  it("are fine when all are there", async () => {
    project.secretsSay({ list: listing(secret(true), secret(true)) });
    const report = await project.report(["--yes"]);
    expect(find(report, "secrets")).toMatchObject({
      status: "ok",
      message: "the applications' secrets are there (2)",
    });
    expect([report.code, asked()]).toEqual([0, ""]);
  });

  it("are not made unless somebody wants it: missing ones are told with the command", async () => {
    project.secretsSay({ list: listing(secret(false), secret(true, [], ["key"]), secret(true)) });
    for (const options of [[], ["--check"], ["--check", "--yes"]]) {
      const report = await project.report(options);
      expect(find(report, "secrets")).toStrictEqual({
        check: "secrets",
        status: "warning",
        message: "2 of 3 secrets that applications wait for are not created",
        fix: "npm run secrets -- create (or ./setup.sh --yes)",
      });
      expect([report.ready, asked()]).toEqual([true, ""]);
    }
  });

  it("are made with --yes, and what to commit and to keep is told", async () => {
    project.secretsSay({
      list: listing(secret(false), secret(false)),
      create: creation({ madeKey: ".secrets/staging/age.agekey" }),
    });
    const report = await project.report(["--yes"]);
    expect(asked()).toBe("create\n");
    expect(report.changes).toEqual([
      ".secrets/staging/age.agekey: new private keys, readable by you only (0600); keep copies in a safe place",
      "2 encrypted secrets were made: commit them with .sops.yaml (git add .sops.yaml flux)",
    ]);
    expect(find(report, "secrets").status).toBe("ok");
    expect(report.code).toBe(0);
  });

  it("that have to wait for a value are told, and the others are made", async () => {
    const needed = { variables: ["STAGING_MAIL", "MAIL"] as const };
    project.secretsSay(
      {
        list: listing(secret(false), secret(false, [needed, { variables: ["A", "B"], withoutIt: "less" }])),
        create: creation({ created: ["a.yaml"], problems: ["b.yaml: MAIL is not set\n(an address)"] }),
      },
      // `secrets create` ends with 1 then.
      1,
    );
    // The list has to work all the same.
    const text = project.read("dist/secrets.js").replace("error ? 1 : 1", 'subcommand === "list" ? 0 : 1');
    project.write("dist/secrets.js", text);
    const report = await project.report(["--yes"]);
    expect(report.changes).toHaveLength(1);
    expect(find(report, "secrets")).toMatchObject({
      status: "warning",
      message: "b.yaml: MAIL is not set (an address)",
    });
    expect(find(report, "secret-values").message).toBe("values that only you can give are missing: MAIL");
  });

  it("are left alone while the configuration can't be read", async () => {
    project.checkConfigSays("environments: is missing", 1);
    expect(find(await project.report(["--yes"]), "secrets")).toMatchObject({ status: "unchecked" });
    expect(asked()).toBe("");
  });

  it.each([
    [
      "a message",
      () => project.secretsSay({ list: new Error("flux/x: the folder is missing") }),
      /folder is missing/,
    ],
    ["no JSON", () => project.write("dist/secrets.js", "module.exports = () => {};"), /can't be listed/],
  ])("that can't be listed stop nothing else: %s", async (_, prepare, message) => {
    prepare();
    const report = await project.report(["--yes"]);
    expect(find(report, "secrets").message).toMatch(message);
    expect(report.code).toBe(0);
  });
});
