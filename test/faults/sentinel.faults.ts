import { spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applicationSecrets } from "../../src/secrets/applications";
import { PASSED_ON } from "../../src/secrets/tokens";
import { describeWithSops } from "../secrets/sops-project";
import { EXAMPLE_TEXT, REPOSITORY } from "../support/example";
import { type CliResult, cli, plainEnvironment, SandboxProject } from "../support/sandbox-project";
import { injected } from "./support/injected";
import { Scanner, sentinel } from "./support/sentinels";

const AREA = "secrets";
/** Every variable that a secret is given by. */
const VARIABLES = [
  ...new Set([
    ...applicationSecrets.flatMap(({ values }) =>
      Object.values(values).flatMap((value) => ("variable" in value ? [value.variable] : [])),
    ),
    ...Object.keys(PASSED_ON),
    "DIGITALOCEAN_ACCESS_TOKEN",
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
  ]),
];
const planted = Object.fromEntries(VARIABLES.map((name) => [name, sentinel(name)]));

/** The values that were made: what is in the private files of an environment. */
function privateValues(directory: string): Record<string, string> {
  const read = (file: string): string => readFileSync(join(directory, ".secrets", "staging", file), "utf8");
  const identity = /^AGE-SECRET-KEY-\S+$/m.exec(read("age.agekey"))?.[0] as string;
  return { "age key": identity, "webhook token": read("webhook-token").trim() };
}

const commandLeaks = (
  scanner: Scanner,
  name: string,
  { stdout, stderr }: Pick<CliResult, "stdout" | "stderr">,
) => scanner.scan(`output of ${name}`, stdout + stderr);

describe("the scanner", () => {
  const scanner = new Scanner(planted);
  const value = planted.GITHUB_TOKEN as string;

  test("looks for every secret in every form", () => {
    expect(VARIABLES.length).toBeGreaterThan(25);
    expect(scanner.size).toBeGreaterThanOrEqual(VARIABLES.length * 11);
  });

  test.each([
    ["as it is", value],
    ["in JSON", JSON.stringify({ value })],
    ["in an address", `https://host/?a=${encodeURIComponent(value)}`],
    ["in hexadecimal digits", Buffer.from(value).toString("hex")],
    ["as a Secret's data", Buffer.from(value).toString("base64")],
    ["in Basic authorization", Buffer.from(`me:${value}`).toString("base64")],
    ["in Basic authorization of another user", Buffer.from(`user:${value}`).toString("base64")],
  ])("finds a leak %s", (_, text) => {
    expect(scanner.scan("x", `before ${text} after`)[0]).toMatchObject({ secret: "GITHUB_TOKEN" });
  });

  test("finds a leak in a file and in a commit that no branch has any more", () => {
    const folder = mkdtempSync(join(tmpdir(), "sentinel-"));
    const git = (...args: string[]) =>
      spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@acme.example", ...args], { cwd: folder });
    git("init", "--quiet");
    git("commit", "--quiet", "--allow-empty", "-m", "first");
    writeFileSync(join(folder, "leak.yaml"), value);
    git("add", "leak.yaml");
    const { leaks } = scanner.scanFolder(folder, (path) => path.startsWith(".git/"));
    expect(leaks[0]).toEqual({ where: "leak.yaml", secret: "GITHUB_TOKEN", form: "plain" });
    git("rm", "--quiet", "--force", "leak.yaml");
    expect(scanner.scanGit(folder).leaks.length).toBeGreaterThan(0);
    rmSync(folder, { recursive: true, force: true });
  });
});

describeWithSops("in a sandbox", () => {
  const project = new SandboxProject((document) => {
    document.environments = [document.environments[0]];
  });
  const log = join(project.directory, "terraform.log");
  const run = (name: string, ...args: string[]): CliResult =>
    cli([name, ...args, "--sandbox", project.name], { ...planted, TF_LOG: "trace", TF_LOG_PATH: log });
  afterAll(() => project.remove());

  test("no secret is in the stacks, plans, states, backups, logs, outputs or encrypted files", () => {
    const commands: ReadonlyArray<readonly [code: number, name: string, ...args: string[]]> = [
      [0, "secrets", "create"],
      [0, "secrets", "list", "--json"],
      [0, "secrets", "check", "--json"],
      [0, "deploy", "--yes", "--json"],
      [0, "secrets", "rotate", "--age-key", "--json"],
      [0, "deploy", "--yes"],
      [0, "secrets", "rotate", "--json"],
      [1, "secrets", "rotate", "--secret", "mongodb-root"],
      // The webhook's new path is in the plan before a deploy brings it to GitHub.
      [2, "diff", "--json"],
      [0, "outputs", "--json"],
    ];
    const outputs = commands.map(([code, name, ...args]) => {
      const result = run(name, ...args);
      expect([name, ...args, result.code, result.code === code ? "" : result.stderr]).toEqual([
        name,
        ...args,
        code,
        "",
      ]);
      return { name: [name, ...args].join(" "), result };
    });
    const scanner = new Scanner({ ...planted, ...privateValues(project.directory) });
    const shown = ["cluster", "flux-configuration", "github-secrets"].map((kind) => {
      const directory = join(project.directory, "cdktf.out", "stacks", `staging-${kind}`);
      const args = ["terraform", `-chdir=${directory}`, "show", "-json", "plan.tfplan"];
      const result = cli(["sandbox", "--sandbox", project.name, ...args], planted);
      expect([kind, result.code]).toEqual([kind, 0]);
      return { name: `terraform show (${kind})`, result };
    });
    // A cluster has the private key, and the private files are what they are; nothing else may.
    const { leaks, files } = scanner.scanFolder(
      project.directory,
      (path) => path.startsWith(".secrets/") || path.startsWith("clouds/kubernetes/"),
    );
    expect(files).toBeGreaterThan(80);
    // terraform's own log is really there.
    expect(readFileSync(log, "utf8")).toMatch(/\[TRACE\]/);
    expect([
      ...leaks,
      ...[...outputs, ...shown].flatMap(({ name, result }) => commandLeaks(scanner, name, result)),
    ]).toEqual([]);
    for (const { name } of outputs)
      injected({ area: AREA, fault: "sentinels, TF_LOG=trace", point: `sandbox: ${name}` });
  });
});

describeWithSops("in a checkout, against clouds that send back what they are given", () => {
  const checkout = mkdtempSync(join(tmpdir(), "sentinel-checkout-"));
  let server: Server;
  let base: string;
  const asked: string[] = [];
  const status = { code: 401 };

  beforeAll(async () => {
    server = createServer((request, response) => {
      const { authorization = "" } = request.headers;
      asked.push(authorization);
      const encoded = Buffer.from(authorization.replace(/^\S+ /, "")).toString("base64");
      response.writeHead(status.code, { "content-type": "application/json", "x-echo": authorization });
      response.end(
        JSON.stringify({
          message: `refused: ${authorization} ${encoded} ${encodeURIComponent(authorization)}`,
        }),
      );
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const files = spawnSync("git", ["ls-files", "-z"], { cwd: REPOSITORY, encoding: "utf8" }).stdout.split(
      "\0",
    );
    for (const file of files.filter((name) => name !== "" && !name.startsWith("test/")))
      cpSync(join(REPOSITORY, file), join(checkout, file));
    symlinkSync(join(REPOSITORY, "node_modules"), join(checkout, "node_modules"));
    cli(["stacks", "--help"]);
    cpSync(join(REPOSITORY, "dist"), join(checkout, "dist"), { recursive: true });
    const document = JSON.parse(EXAMPLE_TEXT.replaceAll("example.com", "acme.example"));
    document.environments = [document.environments[0]];
    document.github = { owner: "acme", repository: "shop", branch: "main" };
    writeFileSync(join(checkout, "infrastructure.config.json"), JSON.stringify(document, null, 2));
    const lines = Object.entries({ ...planted, DIGITALOCEAN_API_URL: base, GITHUB_BASE_URL: `${base}/` });
    writeFileSync(join(checkout, ".env"), lines.map(([name, value]) => `${name}="${value}"\n`).join(""), {
      mode: 0o600,
    });
  });
  afterAll(() => {
    server.close();
    rmSync(checkout, { recursive: true, force: true });
  });

  /** Not spawnSync: the server is in this process and has to answer. */
  async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
    const { spawn } = await import("node:child_process");
    const child = spawn(process.execPath, ["scripts/hybrid-gitops.mjs", ...args], {
      cwd: checkout,
      env: { ...plainEnvironment(), ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => {
      const parts: Buffer[] = [];
      stream.on("data", (part: Buffer) => parts.push(part));
      return () => Buffer.concat(parts).toString("utf8");
    }) as [() => string, () => string];
    const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
    return { code, stdout: stdout(), stderr: stderr() };
  }

  test("no secret is in an error, a debug log, a file or a commit", async () => {
    // terraform looks for its providers on this server too, instead of the network.
    const rc = join(checkout, "terraform.rc");
    writeFileSync(
      rc,
      `provider_installation {\n  network_mirror {\n    url = "https://127.0.0.1:1/"\n  }\n}\n`,
    );
    const log = join(checkout, "terraform.log");
    const debug = {
      TF_LOG: "trace",
      TF_LOG_PATH: log,
      TF_CLI_CONFIG_FILE: rc,
      DEBUG: "*",
      NODE_DEBUG: "http,https",
    };
    const results: { name: string; result: CliResult }[] = [];
    for (const args of [
      ["check-config"],
      ["secrets", "create"],
      ["secrets", "check", "--json"],
      ["secrets", "rotate", "--age-key"],
      ["synth"],
      ["outputs"],
      ["diff", "--json"],
      ["deploy", "--yes"],
      ["deploy", "--yes", "--json"],
      ["status"],
      ["stacks"],
    ])
      for (const code of args[0] === "deploy" ? [401, 500] : [401]) {
        status.code = code;
        results.push({ name: args.join(" "), result: await run(args, debug) });
      }
    // What works without a cloud, with the secrets in the environment too.
    for (const args of [["validate"], ["preview", "--environment", "staging"], ["demo"]])
      results.push({ name: args.join(" "), result: await run(args, { ...planted, TF_LOG: "debug" }) });
    const git = (...args: string[]) =>
      spawnSync("git", ["-c", "user.name=a", "-c", "user.email=a@acme.example", ...args], {
        cwd: checkout,
        encoding: "utf8",
      });
    git("init", "--quiet");
    git("add", "--all");
    expect(git("commit", "--quiet", "-m", "everything").status).toBe(0);
    const scanner = new Scanner({ ...planted, ...privateValues(checkout) });
    // The tokens really went out and came back.
    expect(asked).toContain(`Bearer ${planted.GITHUB_TOKEN}`);
    const refused = results.find(({ name }) => name === "deploy --yes")?.result;
    expect([refused?.code, refused?.stderr]).toEqual([
      1,
      expect.stringMatching(/GitHub refused acme\/shop: 401/),
    ]);
    expect(
      results
        .filter(({ name }) => name === "demo")
        .map(({ result }) => [result.code, result.stderr.slice(-300)]),
    ).toEqual([[0, expect.any(String)]]);
    const { leaks, files } = scanner.scanFolder(checkout, (path) =>
      /^(?:\.secrets\/|\.env$|node_modules|dist\/|\.git\/)/.test(path),
    );
    const commit = scanner.scanGit(checkout);
    expect([files > 300, commit.bytes > 1_000_000]).toEqual([true, true]);
    expect([
      ...leaks,
      ...commit.leaks,
      ...results.flatMap(({ name, result }) => commandLeaks(scanner, name, result)),
    ]).toEqual([]);
    for (const { name } of results)
      injected({ area: AREA, fault: "sentinels, echoing clouds", point: `checkout: ${name}` });
  });

  test("what redacts is what keeps them out: without it the same output leaks", async () => {
    // NODE_DEBUG prints the headers of every request, the token among them.
    status.code = 401;
    mkdirSync(join(checkout, "mutated"), { recursive: true });
    const bundle = readFileSync(join(checkout, "dist", "cli.js"), "utf8");
    const marker = "concealSecrets();";
    expect(bundle).toContain(marker);
    writeFileSync(
      join(checkout, "mutated", "cli.js"),
      `${bundle.replace(marker, ";")}\nconsole.error("debug: " + require("node:fs").readFileSync(".env", "utf8"));\n`,
    );
    const child = spawnSync(process.execPath, [join("mutated", "cli.js"), "stacks"], {
      cwd: checkout,
      encoding: "utf8",
      env: plainEnvironment(),
    });
    expect(commandLeaks(new Scanner(planted), "mutated", child).length).toBeGreaterThan(VARIABLES.length - 1);
    // The same line with it.
    writeFileSync(
      join(checkout, "mutated", "cli.js"),
      `${bundle}\nconsole.error("debug: " + require("node:fs").readFileSync(".env", "utf8"));\n`,
    );
    const dist = join(checkout, "dist", "cli.js");
    writeFileSync(dist, readFileSync(join(checkout, "mutated", "cli.js")));
    const redacted = spawnSync(process.execPath, [dist, "stacks"], {
      cwd: checkout,
      encoding: "utf8",
      env: plainEnvironment(),
    });
    const secretOnes = commandLeaks(new Scanner(planted), "redacted", redacted).map(({ secret }) => secret);
    expect(redacted.stderr).toContain("debug: ");
    // What is left are no secrets: names of hosts, ports, users and buckets.
    expect(
      secretOnes.filter((name) => /TOKEN|SECRET|PASSWORD|API_KEY|ACCESS_KEY|WEBHOOK|SID/.test(name)),
    ).toEqual([]);
  });
});
