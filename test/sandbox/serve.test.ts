import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { startSandbox } from "../../sandbox";
import { Workspace } from "./terraform";

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "serve-test-"));
  // The product is bundled into one file: so is the sandbox here.
  buildSync({
    stdin: {
      contents: 'import { main } from "./sandbox/serve"; main().then((code) => process.exit(code));',
      resolveDir: join(__dirname, "..", ".."),
      loader: "ts",
    },
    bundle: true,
    platform: "node",
    format: "cjs",
    outfile: join(folder, "serve.js"),
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function serve(...args: string[]): {
  child: ChildProcess;
  firstOutput: Promise<string>;
  exit: Promise<number | null>;
} {
  const child = spawn(process.execPath, [join(folder, "serve.js"), ...args], { cwd: folder });
  const exit = new Promise<number | null>((resolve) => {
    child.on("exit", resolve);
  });
  const firstOutput = new Promise<string>((resolve) => {
    child.stdout?.once("data", (data: Buffer) => resolve(data.toString()));
    child.stderr?.once("data", (data: Buffer) => resolve(data.toString()));
  });
  return { child, firstOutput, exit };
}

describe("the sandbox as a program of one file", () => {
  test("prints its environment, serves terraform and ends on SIGTERM", async () => {
    const { child, firstOutput, exit } = serve("--directory", join(folder, "clouds"), "--json");
    const env = JSON.parse(await firstOutput) as Record<string, string>;
    expect(Object.keys(env).sort()).toStrictEqual([
      "CDKTF_SKIP_PROVIDER_LOCK",
      "CHECKPOINT_DISABLE",
      "DIGITALOCEAN_API_URL",
      "DIGITALOCEAN_TOKEN",
      "GITHUB_BASE_URL",
      "GITHUB_TOKEN",
      "TF_REATTACH_PROVIDERS",
    ]);
    const workspace = await new Workspace(folder, env)
      .write(
        'resource "digitalocean_vpc" "it" {\nname = "it"\nregion = "nyc3"\n}\nresource "github_actions_secret" "it" {\nrepository = "app"\nsecret_name = "A"\nplaintext_value = "x"\n}\n',
      )
      .init();
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
    child.kill("SIGTERM");
    expect(await exit).toBe(0);
    expect((await workspace.plan()).code).toBe(1);
  });

  test("prints export lines that a shell can read", async () => {
    const { child, firstOutput, exit } = serve("--directory", join(folder, "other"));
    const lines = (await firstOutput).trim().split("\n");
    expect(lines).toHaveLength(7);
    for (const line of lines) expect(line).toMatch(/^export [A-Z_]+='[^']*'$/);
    child.kill("SIGINT");
    expect(await exit).toBe(0);
  });

  test("says how it is used when it is called wrong", async () => {
    const { firstOutput, exit } = serve("--nonsense");
    expect(await firstOutput).toContain("Usage: serve");
    expect(await exit).toBe(1);
  });
});

describe("the HTTP API", () => {
  let close: () => Promise<void>;
  let env: Readonly<Record<string, string>>;
  beforeAll(async () => {
    ({ close, env } = await startSandbox({ directory: join(folder, "http") }));
  });
  afterAll(() => close());

  const get = async (url: string, authorization?: string) => {
    const response = await fetch(url, authorization ? { headers: { authorization } } : {});
    return {
      status: response.status,
      headers: response.headers,
      body: (await response.json()) as Record<string, unknown>,
    };
  };

  test("answers what the account is, with a token only", async () => {
    const url = `${env.DIGITALOCEAN_API_URL}/v2/account`;
    expect((await get(url)).status).toBe(401);
    expect(await get(url, "Bearer x")).toMatchObject({
      status: 200,
      body: { account: { status: "active", email: "sandbox@example.com" } },
    });
    expect((await get(`${env.DIGITALOCEAN_API_URL}/v2/droplets`, "Bearer x")).status).toBe(404);
  });

  test("answers who the token belongs to, with its scopes, and what a repository is", async () => {
    expect(env.GITHUB_BASE_URL).toMatch(/\/$/);
    const user = await get(`${env.GITHUB_BASE_URL}user`, "Bearer x");
    expect(user.body).toMatchObject({ login: "sandbox" });
    expect(user.headers.get("x-oauth-scopes")).toBe("repo, workflow, admin:repo_hook");
    expect((await get(`${env.GITHUB_BASE_URL}user`)).status).toBe(401);
    expect((await get(`${env.GITHUB_BASE_URL}repos/acme/app`, "Bearer x")).body).toMatchObject({
      full_name: "acme/app",
      default_branch: "main",
      permissions: { admin: true },
    });
    const key = await get(`${env.GITHUB_BASE_URL}repos/acme/app/actions/secrets/public-key`, "token x");
    expect(key.body).toStrictEqual({
      key_id: expect.stringMatching(/^\d{18}$/),
      key: expect.stringMatching(/^.{43}=$/),
    });
    expect((await get(`${env.GITHUB_BASE_URL}gists`, "Bearer x")).status).toBe(404);
  });

  test("is on the loopback interface only and takes GET only", async () => {
    expect(new URL(env.DIGITALOCEAN_API_URL ?? "").hostname).toBe("127.0.0.1");
    const status = await new Promise((resolve) => {
      request(`${env.GITHUB_BASE_URL}user`, { method: "DELETE" }, ({ statusCode }) =>
        resolve(statusCode),
      ).end();
    });
    expect(status).toBe(405);
  });
});

test("a sandbox can be closed twice and its folder is for its owner only", async () => {
  const directory = join(folder, "deep", "clouds");
  const sandbox = await startSandbox({ directory });
  expect(statSync(directory).mode & 0o777).toBe(0o700);
  await sandbox.close();
  await sandbox.close();
});
