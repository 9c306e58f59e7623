import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { keepAgeKey } from "../../src/secrets/age-key";
import { addRecipient, readRecipients } from "../../src/secrets/sops-configuration";
import { describeWithSops } from "../secrets/sops-project";
import { cli, SandboxProject } from "../support/sandbox-project";
import { unzip } from "../support/unzip";

const NEXTCLOUD = ["flux", "apps", "nextcloud", "staging", "secrets", "nextcloud-admin.yaml"];
const KEY = [".secrets", "staging", "age.agekey"];

const OTHER_RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";

/** The data of the secret that Flux decrypts with, as it is in staging's cluster. */
function decryptionKey(project: SandboxProject): Record<string, string> {
  const id = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
  const { objects } = project.json("clouds", "kubernetes", `${id}.json`);
  const data: Record<string, string> = objects.Secret?.["flux-system/sops-age"]?.data ?? {};
  return Object.fromEntries(
    Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64").toString()]),
  );
}

const identityIn = (project: SandboxProject): string =>
  /^AGE-SECRET-KEY-\S+$/m.exec(project.read(...KEY))?.[0] ?? "no key";

/** Runs a subcommand of `npm run secrets`. */
const secrets = (project: SandboxProject, subcommand: string, ...args: string[]) =>
  cli(["secrets", subcommand, "--sandbox", project.name, ...args]);

const small = (document: Record<string, any>): void => {
  document.environments = [document.environments[0]];
  delete document.github;
};

describeWithSops("secrets of a project", () => {
  const project = new SandboxProject(small);
  const move = (from: readonly string[], to: readonly string[]): void =>
    renameSync(join(project.directory, ...from), join(project.directory, ...to));
  afterAll(() => project.remove());

  test("list tells them before there are any, and deploy works without them and says what waits", () => {
    const { environments } = JSON.parse(secrets(project, "list", "--json").stdout);
    expect(environments[0].secrets).toContainEqual(
      expect.objectContaining({ name: "nextcloud-admin", created: false, keys: ["username", "password"] }),
    );
    expect(secrets(project, "list").stdout).toMatch(
      /\nNot set, so no backups are made:\n {2}BACKUP_SPACES_ACCESS_KEY_ID {6}access key .*\n {2}BACKUP_SPACES_SECRET_ACCESS_KEY {2}secret /,
    );
    const deployed = project.run("deploy", "--yes");
    expect([deployed.code, deployed.stdout]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(
          `Secrets that applications wait for are not created yet \\(\\d+ in staging\\): npm run secrets -- create --sandbox ${project.name}\n`,
        ),
      ),
    ]);
    expect(decryptionKey(project)).toEqual({});
  });

  test("create makes them, list and check are content, and a second run has nothing to do", () => {
    const created = secrets(project, "create");
    expect([created.code, created.stderr]).toEqual([0, ""]);
    expect(created.stdout).toContain(`created        .sandbox/${project.name}/${NEXTCLOUD.join("/")}`);
    expect(parse(project.read(...NEXTCLOUD)).stringData.password).toMatch(/^ENC\[/);
    const { environments } = JSON.parse(secrets(project, "list", "--json").stdout);
    expect(environments[0].secrets.filter(({ created }: any) => !created)).toEqual([]);
    const checked = secrets(project, "check", "--json");
    expect([checked.code, JSON.parse(checked.stdout).environments]).toEqual([
      0,
      [{ environment: "staging", files: environments[0].secrets.length, opened: true, findings: [] }],
    ]);
    const again = secrets(project, "create");
    expect([again.code, again.stdout]).toEqual([0, expect.stringContaining("Nothing to create")]);
  });

  test("check finds what is wrong, and its exit code says so", () => {
    const before = project.read(...NEXTCLOUD);
    project.write(NEXTCLOUD, "apiVersion: v1\nkind: Secret\nstringData:\n  password: secret-sentinel\n");
    const checked = secrets(project, "check");
    project.write(NEXTCLOUD, before);
    expect([checked.code, checked.stderr]).toEqual([
      1,
      expect.stringContaining(`${NEXTCLOUD.join("/")} is in plain text`),
    ]);
    expect(checked.stdout + checked.stderr).not.toContain("secret-sentinel");
  });

  test("a new key changes the synthesized stack, and deploy brings it into the cluster and nowhere else", () => {
    const diff = JSON.parse(project.run("diff", "--json").stdout);
    expect(diff.stacks.flatMap(({ resources }: any) => resources)).toEqual([
      { address: "kubernetes_secret_v1.sops-age", action: "create", label: "sops-age" },
    ]);
    const deployed = project.run("deploy", "--yes");
    expect([deployed.code, deployed.stdout.includes("wait for")]).toEqual([0, false]);
    const identity = identityIn(project);
    expect(decryptionKey(project)).toEqual({ "age.agekey": identity });
    const inside = project
      .files()
      .filter((file) => !file.includes("/.secrets/") && !file.includes("/clouds/kubernetes/"));
    expect(inside.length).toBeGreaterThan(50);
    const forms = [identity, Buffer.from(identity).toString("base64").slice(0, 60)];
    for (const file of inside) {
      const text = project.read(file.slice(project.directory.length + 1));
      for (const form of forms) expect([file, text.includes(form)]).toEqual([file, false]);
    }
    const plan = unzip(
      join(project.directory, "cdktf.out", "stacks", "staging-flux-configuration", "plan.tfplan"),
    );
    // The plan that wrote the key: it names the secret, and doesn't have its value.
    expect(plan.get("tfplan")?.toString("latin1")).toContain("sops-age");
    for (const [name, content] of plan) expect([name, content.includes(identity)]).toEqual([name, false]);
    expect(deployed.stdout + deployed.stderr).not.toContain(identity);
    expect(project.run("diff").code).toBe(0);
  });

  test("a machine without the private key plans nothing and changes nothing", () => {
    const before = decryptionKey(project);
    move([".secrets"], ["aside"]);
    expect(project.run("diff").code).toBe(0);
    project.configure((document) => {
      document.environments[0].cluster.nodeSize = "s-4vcpu-8gb";
    });
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(decryptionKey(project)).toEqual(before);
    move(["aside"], [".secrets"]);
    expect(project.run("diff").code).toBe(0);
  });

  test("plain terraform without the key does no harm either: same plan, and a key that must be written is refused", () => {
    const directory = join(project.directory, "cdktf.out", "stacks", "staging-flux-configuration");
    const terraform = (...args: string[]) =>
      cli(["sandbox", "--sandbox", project.name, "terraform", `-chdir=${directory}`, ...args, "-no-color"]);
    expect(terraform("plan", "-detailed-exitcode").code).toBe(0);
    const before = decryptionKey(project);
    // Somebody else made a new key.
    const rules = project.read(".sops.yaml");
    project.write([".sops.yaml"], rules.replace(/age1\S+/, OTHER_RECIPIENT));
    move([".secrets"], ["aside"]);
    const refused = terraform("apply", "-auto-approve");
    expect([refused.code, refused.stdout + refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /the private key was not given: npm run deploy takes it from \.secrets\/staging\/age\.agekey/,
      ),
    ]);
    expect(decryptionKey(project)).toEqual(before);
    project.write([".sops.yaml"], rules);
    move(["aside"], [".secrets"]);
  });

  test("a secret that went missing in the cluster is written again with the key, refused without", () => {
    const id = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
    const cloud = project.json("clouds", "kubernetes", `${id}.json`);
    delete cloud.objects.Secret["flux-system/sops-age"];
    project.write(["clouds", "kubernetes", `${id}.json`], JSON.stringify(cloud));
    move([".secrets"], ["aside"]);
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /staging-flux-configuration: the cluster needs the private key of staging.*\.secrets\/staging\/age\.agekey is not on this machine.*\n\nNothing was changed/,
      ),
    ]);
    move(["aside"], [".secrets"]);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(decryptionKey(project)).toEqual({ "age.agekey": identityIn(project) });
  });

  test("a .sops.yaml that was lost doesn't take the key out of the cluster", () => {
    move([".sops.yaml"], ["aside.yaml"]);
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        /the key that Flux decrypts with would be destroyed.*delete \.sandbox\/\S+\/\.sops\.yaml if it is there/,
      ),
    ]);
    move(["aside.yaml"], [".sops.yaml"]);
    expect(project.run("diff").code).toBe(0);
  });

  test("a private key that is another than .sops.yaml's never reaches the cluster", () => {
    const [before, key] = [decryptionKey(project), project.read(...KEY)];
    project.write(KEY, `${keepAgeKey(join(project.directory, "elsewhere"), "staging").identity}\n`);
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(
        `.secrets/staging/age.agekey is not the key of staging in .sandbox/${project.name}/.sops.yaml`,
      ),
    ]);
    expect(decryptionKey(project)).toEqual(before);
    project.write(KEY, key);
  });

  test("a key that doesn't open the secrets is not made, not written into the cluster, and status reports it", () => {
    const [before, key, rules] = [decryptionKey(project), project.read(...KEY), project.read(".sops.yaml")];
    const old = readRecipients(project.directory, "staging")?.[0];
    rmSync(join(project.directory, ...KEY));
    rmSync(join(project.directory, ".sops.yaml"));
    const refused = secrets(project, "create");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(
        new RegExp(
          `and \\d+ other secrets of staging are encrypted for ${old}, and \\S+ has no rule for staging: a new key would not open them\\. Fix: bring`,
        ),
      ),
    ]);
    expect([project.exists(...KEY), project.exists(".sops.yaml")]).toEqual([false, false]);
    // Somebody made one all the same.
    addRecipient(project.directory, "staging", keepAgeKey(project.directory, "staging").recipient);
    expect(secrets(project, "create")).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/has another key for staging: age1\S+, which does not open them\. Fix:/),
    });
    for (const args of ["diff", "deploy --yes"].map((line) => line.split(" ") as [string, ...string[]])) {
      const { code, stdout, stderr } = project.run(...args);
      expect([args, code, stdout + stderr]).toEqual([
        args,
        1,
        expect.stringContaining(
          "staging-flux-configuration: Flux would get a key that does not open the secrets of staging",
        ),
      ]);
    }
    expect(decryptionKey(project)).toEqual(before);
    const status = project.run("status");
    expect([status.code, status.stdout]).toEqual([
      2,
      expect.stringMatching(/staging is not as it should be: .*the key that Flux decrypts with/),
    ]);
    project.write([".sops.yaml"], rules);
    rmSync(join(project.directory, ...KEY));
    const without = secrets(project, "create");
    expect([without.code, without.stdout, without.stderr]).toEqual([
      0,
      expect.stringContaining("Secrets that can't be opened on this machine: those of staging (see above)"),
      expect.stringContaining("missing key    .sandbox"),
    ]);
    project.write(KEY, key);
    expect(project.run("status").code).toBe(0);
  });

  test("a new key comes in two steps: the cluster has both before the files are for the new one only", () => {
    const old = identityIn(project);
    expect(secrets(project, "rotate", "--age-key").code).toBe(0);
    const present = identityIn(project);
    expect(present).not.toBe(old);
    // The cluster doesn't have it yet: the old one stays, whatever is asked for.
    const early = secrets(project, "rotate", "--age-key");
    expect([early.code, early.stderr]).toEqual([
      1,
      expect.stringMatching(/The cluster of staging doesn't have the new key yet.*npm run deploy/),
    ]);
    expect(project.read(...KEY)).toContain(old);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(decryptionKey(project)).toEqual({ "age.agekey": `${present}\n${old}` });
    expect(project.run("diff").code).toBe(0);
    const finished = secrets(project, "rotate", "--age-key", "--json");
    expect([finished.code, JSON.parse(finished.stdout).environments]).toEqual([
      0,
      [expect.objectContaining({ step: "finish", kept: ".secrets/staging/retired.agekey" })],
    ]);
    expect(finished.stdout + finished.stderr).not.toMatch(/AGE-SECRET-KEY/);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(decryptionKey(project)).toEqual({ "age.agekey": present });
    expect(secrets(project, "check").code).toBe(0);
  });

  test("rotate tells what it leaves alone, and refuses what locks an application out", () => {
    const dry = JSON.parse(secrets(project, "rotate", "--dry-run", "--json").stdout);
    expect([dry.dryRun, dry.environments[0].rotated.length > 3]).toEqual([true, true]);
    const refused = secrets(project, "rotate", "--secret", "chatbox/mongodb-chatbox");
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringMatching(/MONGO_PASSWORD\. MongoDB keeps the old password.*Repeat it with --force/),
    ]);
    const unknown = secrets(project, "rotate", "--secret", "mongo");
    expect([unknown.code, unknown.stderr]).toEqual([1, expect.stringContaining("has the name mongo")]);
  });

  test("edit without an editor that is set and without a terminal opens nothing", () => {
    const { code, stderr } = cli(["secrets", "edit", "nextcloud-admin", "--sandbox", project.name], {
      EDITOR: "",
      VISUAL: "",
    });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        "Nothing was edited: vi needs a terminal, and this is not one. Set VISUAL or EDITOR",
      ),
    ]);
  });

  test("edit opens the editor that is set, with its arguments, and refuses without losing anything silently", () => {
    const before = project.read(...NEXTCLOUD);
    const edit = (editor: string) =>
      cli(["secrets", "edit", "nextcloud-admin", "--sandbox", project.name], { EDITOR: editor, VISUAL: "" });
    const refused = edit("sed -i.bak s/username:/user:/");
    expect([refused.code, refused.stderr, project.read(...NEXTCLOUD)]).toEqual([
      1,
      expect.stringMatching(/stringData\.username is missing[\s\S]*is as it was/),
      before,
    ]);
    expect(edit("true").stdout).toContain("nothing was changed, nothing is written");
    const edited = edit(`sed -i.bak "s/username: admin/username: administrator/"`);
    expect([edited.code, edited.stdout]).toEqual([0, expect.stringContaining("username changed.")]);
    expect(project.read(...NEXTCLOUD)).not.toBe(before);
  });

  test.each([
    [
      "removes the file",
      "rm",
      /^the editor removed the file, so nothing was changed: \.sandbox\/\S+ is as it was\. Set VISUAL/m,
    ],
    [
      "empties it",
      "truncate -s 0",
      /it is no Kubernetes Secret any more[\s\S]*^\.sandbox\/\S+ is as it was: what was typed/m,
    ],
    [
      "puts a folder in its place",
      "f() { rm $1; mkdir $1; }; f",
      /^the editor left a file that can't be read \(EISDIR.*nothing was changed/m,
    ],
    [
      "isn't there",
      "no-such-editor",
      /^the editor \(no-such-editor\) was not found, so nothing was changed: set VISUAL or EDITOR/m,
    ],
    [
      "can't be run",
      "/etc/passwd",
      /^the editor \(\/etc\/passwd\) can't be run, so nothing was changed: set VISUAL or EDITOR/m,
    ],
    ["gives up", "false", /^the editor \(false\) ended with code 1, so nothing was changed: that is how/m],
    [
      "is killed",
      "sh -c 'kill -TERM $$'",
      /was ended by SIGTERM, so nothing was changed and what was typed is gone: edit/m,
    ],
  ])("an editor that %s changes nothing, and says what to do", (_, editor, message) => {
    const before = project.read(...NEXTCLOUD);
    const { code, stderr } = cli(["secrets", "edit", "nextcloud-admin", "--sandbox", project.name], {
      EDITOR: editor,
      VISUAL: "",
    });
    expect([code, stderr, project.read(...NEXTCLOUD)]).toEqual([1, expect.stringMatching(message), before]);
  });

  test("destroy takes the key with the cluster", () => {
    const destroyed = project.run("destroy", "--environment", "staging", "--yes");
    expect([destroyed.code, destroyed.stdout]).toEqual([0, expect.stringContaining("Destroyed.")]);
    // The machine keeps it: the committed secrets are still encrypted for it.
    expect(project.exists(...KEY)).toBe(true);
  });
});

test("create without sops says so once, and names no next step", () => {
  const project = new SandboxProject();
  const result = cli(["secrets", "create", "--sandbox", project.name], withoutSops());
  expect([result.code, result.stdout]).toEqual([1, ""]);
  expect(result.stderr.match(/sops is not installed/g)).toHaveLength(1);
  expect(existsSync(join(project.directory, ".secrets"))).toBe(false);
  project.remove();
});

/** A PATH with Node only, and no tools that were built. */
function withoutSops(): Record<string, string> {
  return { PATH: dirname(process.execPath), XDG_CACHE_HOME: "/nowhere" };
}

test("a private file's text of a sandbox is not printed, with and without its name in the arguments", () => {
  const project = new SandboxProject(small);
  const token = randomBytes(32).toString("hex");
  mkdirSync(join(project.directory, ".secrets", "staging"), { recursive: true });
  project.write([".secrets", "staging", "webhook-token"], token);
  try {
    const results = [secrets(project, "edit", token), cli(["secrets", token])];
    for (const { code, stdout, stderr } of results) {
      expect([code, stdout + stderr]).toEqual([1, expect.stringContaining("***")]);
      expect(stdout + stderr).not.toContain(token);
    }
  } finally {
    project.remove();
  }
});

test("an environment that doesn't exist, and an unknown subcommand, are answered", () => {
  const project = new SandboxProject(small);
  const result = secrets(project, "list", "--environment", "stagin");
  expect([result.code, result.stderr]).toEqual([1, expect.stringContaining("expected staging")]);
  expect(existsSync(join(project.directory, ".secrets"))).toBe(false);
  project.remove();
  expect(cli(["secrets", "crate"]).stderr).toContain("Did you mean create?");
});

describeWithSops("secrets of production", () => {
  const CONFIRMED = ["--confirm", "my-startup-production"];
  const project = new SandboxProject((document) => {
    delete document.github;
  });
  afterAll(() => project.remove());
  /** Everything that a rotation may change, in both environments. */
  const contents = () =>
    project
      .files()
      .map((file) => file.slice(project.directory.length + 1))
      .filter((file) => /^\.secrets\/|^\.sops\.yaml$|\/secrets\//.test(file))
      .sort()
      .map((file) => [file, project.read(file)]);
  const rotate = (...args: string[]) => secrets(project, "rotate", ...args);

  beforeAll(() => {
    expect(secrets(project, "create").code).toBe(0);
    expect(rotate("--age-key", "--environment", "production").code).toBe(0);
  });

  test.each([
    [[]],
    [["--environment", "production"]],
    [["--confirm", "my-startup-staging"]],
    [["--confirm", "production"]],
    [["--age-key", "--environment", "production"]],
    [["--age-key", "--force", "--environment", "production"]],
  ])("rotate changes nothing in production without the name of its cluster: %j", (args) => {
    const before = contents();
    const { code, stderr } = rotate(...args);
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(
        /This is production: the name of its cluster has to be typed, but this is not a terminal\. Pass --confirm my-startup-production.*\nNothing was changed\.\n$/s,
      ),
    ]);
    expect(contents()).toEqual(before);
  });

  test.each([[[]], [["--age-key", "--environment", "production"]]])(
    "with --json a missing name is an error that names the option: %j",
    (args) => {
      const { code, stdout } = rotate(...args, "--json");
      const error = {
        kind: "arguments",
        place: "--confirm",
        message: expect.stringMatching(/^--confirm my-startup-production is missing/),
      };
      expect([code, JSON.parse(stdout)]).toEqual([1, { exitCode: 1, error }]);
    },
  );

  test("a dry run, the first step of a new key, staging, and what changes nothing ask for no name", () => {
    const before = contents();
    for (const args of [["--dry-run"], ["--age-key", "--dry-run", "--environment", "production"]])
      expect([args, rotate(...args).code]).toEqual([args, 0]);
    const kept = rotate("--environment", "production", "--secret", "chatbox/mongodb-chatbox");
    expect([kept.code, kept.stderr]).toEqual([1, expect.stringContaining("Repeat it with --force")]);
    expect(contents()).toEqual(before);
    expect(rotate("--environment", "staging").code).toBe(0);
  });

  test("with the name the values are new, and the old key goes", () => {
    const before = contents();
    expect(rotate("--environment", "production", ...CONFIRMED).code).toBe(0);
    expect(contents()).not.toEqual(before);
    const finished = rotate("--age-key", "--environment", "production", "--json", ...CONFIRMED);
    expect([finished.code, JSON.parse(finished.stdout).environments]).toEqual([
      0,
      [expect.objectContaining({ step: "finish", kept: ".secrets/production/retired.agekey" })],
    ]);
  });
});
