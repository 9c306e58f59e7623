import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runGit } from "../../src/git";

/** A private repository, as GitHub serves it: who doesn't know the token gets 401. */
let folder: string;
let server: Server;
let base: string;
const asked = new Set<string>();
const before = { ...process.env };

const git = (directory: string, ...args: string[]): void => {
  const { status, stderr } = spawnSync("git", args, { cwd: directory, encoding: "utf8" });
  if (status !== 0) throw new Error(stderr);
};

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "private-repository-"));
  const [work, bare] = [join(folder, "work"), join(folder, "platform.git")];
  git(folder, "init", "-q", "-b", "main", work);
  writeFileSync(join(work, "README.md"), "private\n");
  git(work, "add", ".");
  git(work, "-c", "user.name=Ada", "-c", "user.email=ada@example.com", "commit", "-qm", "First");
  git(folder, "clone", "-q", "--bare", work, bare);
  git(bare, "update-server-info");
  server = createServer((request, response) => {
    const authorization = request.headers.authorization ?? "none";
    asked.add(authorization);
    if (authorization !== `Basic ${Buffer.from("x-access-token:sentinel-token").toString("base64")}`) {
      response.writeHead(401, { "www-authenticate": 'Basic realm="GitHub"' }).end();
      return;
    }
    const file = join(folder, new URL(request.url ?? "/", "http://localhost").pathname);
    if (existsSync(file)) response.end(readFileSync(file));
    else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  git(work, "remote", "add", "origin", `${base}/platform.git`);
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});
afterEach(() => {
  process.env = { ...before };
});

const fetchIt = () => runGit(join(folder, "work"), ["fetch", "--quiet", "origin", "main"]);

test("in CI git fetches a private repository with the token of that one run, and keeps it nowhere", async () => {
  const home = mkdtempSync(join(folder, "home-"));
  writeFileSync(join(home, ".gitconfig"), "[credential]\n\thelper = store\n");
  Object.assign(process.env, { CI: "true", GITHUB_TOKEN: "sentinel-token", HOME: home });
  process.env.GITHUB_BASE_URL = `${base}/api/v3/`;
  expect(await fetchIt()).toMatchObject({ ok: true });
  expect(existsSync(join(home, ".git-credentials"))).toBe(false);
  expect(readFileSync(join(folder, "work", ".git", "config"), "utf8")).not.toContain("sentinel");
});

test("another host is never told the token", async () => {
  asked.clear();
  Object.assign(process.env, { CI: "true", GITHUB_TOKEN: "sentinel-token", HOME: folder });
  process.env.GITHUB_BASE_URL = "https://api.github.com/";
  expect(await fetchIt()).toMatchObject({ ok: false });
  expect([...asked]).toEqual(["none"]);
});

test("outside of CI git's own credentials are all that it has", async () => {
  asked.clear();
  Object.assign(process.env, { CI: "", GITHUB_TOKEN: "sentinel-token", HOME: folder });
  process.env.GITHUB_BASE_URL = `${base}/`;
  expect(await fetchIt()).toMatchObject({ ok: false });
  expect([...asked]).toEqual(["none"]);
});
