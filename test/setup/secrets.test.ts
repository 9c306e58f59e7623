import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { readAgeKey } from "../../src/secrets/age-key";
import { describeWithSops } from "../secrets/sops-project";
import { find, TemporaryProject } from "./project";

const DOTENV = "DIGITALOCEAN_TOKEN=dop_v1_abc\nDIGITALOCEAN_API_URL=http://127.0.0.1:9\n";

let project: TemporaryProject;
beforeEach(() => {
  project = new TemporaryProject();
  project.withTree();
  project.configure();
  project.write(".env", DOTENV, 0o600);
});
afterEach(() => project.dispose());

const KEY = ".secrets/staging/age.agekey";
describe("the applications' secrets in setup.sh", () => {
  it.each<[Array<"--check" | "--yes">]>([[[]], [["--check"]], [["--check", "--yes"]]])(
    "are not made unless somebody wants it (%j): missing ones are reported with the command",
    async (options) => {
      const report = await project.report(options);
      expect(find(report, "secrets")).toStrictEqual({
        check: "secrets",
        status: "warning",
        message: expect.stringMatching(/^(\d+) of \1 secrets that applications wait for are not created$/),
        fix: "npm run secrets -- create (or ./setup.sh --yes)",
      });
      expect(report.ready).toBe(true);
      expect([project.has(".secrets"), project.has(".sops.yaml")]).toEqual([false, false]);
    },
  );

  it("are left alone while the configuration is not valid", async () => {
    project.configure({ environments: [] });
    expect(find(await project.report(["--yes"]), "secrets")).toMatchObject({ status: "unchecked" });
    expect(project.has(".secrets")).toBe(false);
  });

  it("that can't be listed stop nothing else", async () => {
    const file = "flux/infrastructure/dns/staging/secrets/digitalocean-token.yaml";
    project.write(file, "a: [");
    const report = await project.report(["--yes"]);
    expect(find(report, "secrets")).toMatchObject({
      status: "warning",
      message: expect.stringContaining(`the applications' secrets can't be listed:\n${file}`),
      fix: "npm run secrets -- list",
    });
    expect([report.code, project.has(".secrets")]).toEqual([0, false]);
  });

  it.each<[string, () => void, string]>([
    ["sops", () => project.uninstall("sops"), "install sops"],
    [
      "the folders of an environment",
      () => rmSync(join(project.directory, "flux/apps/fade/staging"), { recursive: true }),
      "make the folders of each environment",
    ],
    ["a .env that can be read", () => project.write(".env", `${DOTENV}A=b;c\n`, 0o600), "mend .env"],
  ])("are not made, nor offered, before there is %s", async (_, lack, first) => {
    lack();
    for (const options of [[], ["--yes"]] as const)
      expect(find(await project.report([...options]), "secrets")).toStrictEqual({
        check: "secrets",
        status: "warning",
        message: expect.stringMatching(/are not created, and can't be yet$/),
        fix: `first ${first} (see above); then npm run secrets -- create (or ./setup.sh --yes)`,
      });
    expect([project.has(".secrets"), project.has(".sops.yaml")]).toEqual([false, false]);
  });

  it("are not offered as long as a token that is sealed into them is missing", async () => {
    project.write(".env", "", 0o600);
    expect(find(await project.report(), "secrets").fix).toMatch(/^first see to the digitalocean-token /);
  });

  it("need the private key of a colleague in a second clone, and no new one is made", async () => {
    const recipient = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
    project.write(
      ".sops.yaml",
      `creation_rules:\n  - path_regex: ^flux/.*/staging/secrets/\n    age: ${recipient}\n`,
    );
    const finding = {
      check: "age-key",
      status: "warning",
      message: `${KEY} is missing: the secrets of staging are encrypted for ${recipient}, whose private half is on another machine, if anybody has it. Deploys work without it once the cluster has it; opening, editing and rotating secrets does not`,
      fix: expect.stringContaining(
        `take ${KEY} from a colleague or from where its copy is kept (a password manager)`,
      ),
    };
    expect(find(await project.report(), "age-key")).toStrictEqual(finding);
    expect(find(await project.report(["--yes"]), "age-key")).toStrictEqual(finding);
    expect(project.has(KEY)).toBe(false);
  });

  it("need a value that nobody has given, which is named", async () => {
    project.write(".env", "", 0o600);
    expect(find(await project.report(), "secret-values").message).toMatch(
      /^values that only you can give are missing: .*DIGITALOCEAN_TOKEN/,
    );
  });
});

describeWithSops("the applications' secrets with sops in setup.sh", () => {
  it("are made with --yes, what to commit and to keep is reported, and then all are there", async () => {
    project.write(".env", `${DOTENV}GITHUB_TOKEN=ghp_abcdefgh\nNEXTCLOUD_SMTP_HOST=mail\n`, 0o600);
    const report = await project.report(["--yes"]);
    expect(report.changes).toContain(
      `${KEY}: new private keys, readable by you only (0600); keep copies in a safe place`,
    );
    expect(report.changes.at(-1)).toMatch(
      /^\d+ encrypted secrets were made: commit them with \.sops\.yaml \(git add \.sops\.yaml flux\)$/,
    );
    expect([project.mode(KEY), project.has(".sops.yaml"), project.has(".lock")]).toEqual([
      0o600,
      true,
      false,
    ]);
    const file = "flux/infrastructure/dns/staging/secrets/digitalocean-token.yaml";
    expect(readFileSync(join(project.directory, file), "utf8")).toMatch(/ENC\[AES256_GCM/);
    const { message } = find(await project.report(["--yes"]), "secrets");
    expect(message).toMatch(/^the applications' secrets are there \(\d+\)$/);
    expect(report.code).toBe(0);
  });

  it("that no key here opens are never reported as good, and get no new key", async () => {
    project.write(".env", `${DOTENV}GITHUB_TOKEN=ghp_abcdefgh\nNEXTCLOUD_SMTP_HOST=mail\n`, 0o600);
    await project.report(["--yes"]);
    const recipient = readAgeKey(project.directory, "staging")?.recipient;
    for (const path of [".secrets", ".sops.yaml"]) rmSync(join(project.directory, path), { recursive: true });
    const report = await project.report(["--yes"]);
    expect(find(report, "age-key").message).toContain(
      `are encrypted for ${recipient}, and .sops.yaml has no rule for staging`,
    );
    expect(find(report, "secrets")).toMatchObject({
      status: "warning",
      message: expect.stringContaining("are encrypted for another key: Flux can't open them"),
    });
    expect([project.has(KEY), project.has(".sops.yaml")]).toEqual([false, false]);
  });

  it("that have to wait for a value are reported, and the others are made", async () => {
    project.write(".env", "", 0o600);
    const report = await project.report(["--yes"]);
    expect(find(report, "secrets")).toMatchObject({
      status: "warning",
      message: expect.stringMatching(/digitalocean-token\.yaml: .*DIGITALOCEAN_TOKEN/),
      fix: "then run: npm run secrets -- create",
    });
    expect(find(report, "secret-values").message).toContain("DIGITALOCEAN_TOKEN");
    expect(existsSync(join(project.directory, "flux/apps/traversion/staging/secrets"))).toBe(true);
    expect(report.changes.at(-1)).toMatch(/^\d+ encrypted secrets were made/);
  });
});
