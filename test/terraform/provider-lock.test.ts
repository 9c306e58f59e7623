import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boundProviders } from "../../src/commands/lock-providers";
import { LOCK_FILE, lockProviders, PLATFORMS, parseLock, versionsText } from "../../src/terraform";
import { initialise } from "../../src/terraform/initialise";
import { REPOSITORY } from "../support/example";
import { writeMirror } from "../support/provider-mirror";
import { cli, plainEnvironment } from "../support/sandbox-project";

const bound = boundProviders(REPOSITORY);
const folder = mkdtempSync(join(tmpdir(), "provider-lock-"));
const [mirror, replacedMirror, providers, replacedCache] = ["mirror", "replaced", "providers", "cache"].map(
  (name) => join(folder, name),
) as [string, string, string, string];
const released = {
  ...plainEnvironment(),
  HYBRID_GITOPS_PROVIDERS: providers,
  XDG_CACHE_HOME: join(folder, "home"),
};
let replaced: Record<string, string | undefined>;
let locked: Record<string, string | undefined>;
let notes: string[];

beforeAll(async () => {
  locked = { ...released, TF_CLI_CONFIG_FILE: writeMirror(mirror, bound) };
  replaced = { ...released, TF_CLI_CONFIG_FILE: writeMirror(replacedMirror, bound, "replaced") };
  await lockProviders(bound, { variables: released, mirror });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  notes = [];
  jest.spyOn(process.stderr, "write").mockImplementation((text) => notes.push(String(text)) > 0);
});
afterEach(() => jest.restoreAllMocks());

const committed = () => parseLock(readFileSync(join(providers, LOCK_FILE), "utf8"));

/** A stack that needs two of the providers, and is initialised only: what stands for them does nothing. */
function stack(version?: string) {
  const directory = mkdtempSync(join(folder, "stack-"));
  const required = Object.fromEntries(
    bound
      .filter(({ address }) => /null|digitalocean/.test(address))
      .map(({ address, version: own }) => [
        address.split("/")[2],
        { source: address.replace("registry.terraform.io/", ""), version: version ?? own },
      ]),
  );
  const backend = { local: { path: "terraform.tfstate" } };
  writeFileSync(
    join(directory, "cdk.tf.json"),
    JSON.stringify({ terraform: { backend, required_providers: required } }),
  );
  return { name: "staging-cluster", directory, dependencies: [] };
}
const lockOf = ({ directory }: { directory: string }) => readFileSync(join(directory, LOCK_FILE), "utf8");

test("the lock file has checksums of each provider for each platform", () => {
  expect(committed().map(({ address, version }) => ({ address, version }))).toEqual(
    [...bound].sort((a, b) => a.address.localeCompare(b.address)),
  );
  for (const { hashes } of committed())
    expect(hashes.filter((hash) => hash.startsWith("h1:"))).toHaveLength(PLATFORMS.length);
});

test("a stack gets the checksums of its own providers, and init may not change them", async () => {
  const one = stack();
  await initialise(one, locked);
  expect(parseLock(lockOf(one)).map(({ address }) => address)).toEqual([
    "registry.terraform.io/digitalocean/digitalocean",
    "registry.terraform.io/hashicorp/null",
  ]);
  expect(committed().map(({ text }) => text)).toEqual(
    expect.arrayContaining(parseLock(lockOf(one)).map(({ text }) => text)),
  );
  expect(notes).toEqual([]);
});

test("terraform itself is told to leave a lock file as it is", async () => {
  const bin = mkdtempSync(join(folder, "bin-"));
  const said = join(bin, "arguments");
  const rest = `PATH="\${PATH#*:}" exec terraform "$@"`;
  writeFileSync(join(bin, "terraform"), `#!/bin/sh\necho "$@" >> '${said}'\n${rest}\n`, { mode: 0o755 });
  await initialise(stack(), { ...locked, PATH: `${bin}:${process.env.PATH}` });
  expect(readFileSync(said, "utf8")).toMatch(/^init .*-lockfile=readonly/);
});

test("another program under a locked version is refused, with what it can be and what to do", async () => {
  const one = stack();
  await expect(initialise(one, { ...replaced, XDG_CACHE_HOME: join(folder, "empty") })).rejects.toMatchObject(
    {
      name: "ProviderLockError",
      message: expect.stringMatching(
        /^staging-cluster: (?:digitalocean\/digitalocean 2|hashicorp\/null 3)\.\S+ is not what providers\/\.terraform\.lock\.hcl has checksums of\. terraform did not install it[\s\S]*SHA256SUMS[\s\S]*npm run lock-providers/,
      ),
    },
  );
});

test("nor is one taken out of a cache, also where that was filled before anything was locked", async () => {
  const unlocked = { HYBRID_GITOPS_PROVIDERS: join(folder, "none"), XDG_CACHE_HOME: replacedCache };
  await initialise(stack(), { ...replaced, ...unlocked });
  const [one, cache] = [
    stack(),
    { XDG_CACHE_HOME: replacedCache, TF_PLUGIN_CACHE_MAY_BREAK_DEPENDENCY_LOCK_FILE: "1" },
  ];
  await expect(initialise(one, { ...replaced, ...cache })).rejects.toThrow(/is not what/);
  // From the mirror that has the right one it is replaced.
  await initialise(one, { ...locked, ...cache });
  const { stdout } = spawnSync("grep", ["-rhc", "released", join(one.directory, ".terraform", "providers")], {
    encoding: "utf8",
  });
  expect(stdout).not.toContain("0");
});

test("without a lock file it works as before, and is noted once with the command", async () => {
  const none = { ...locked, HYBRID_GITOPS_PROVIDERS: join(folder, "none") };
  jest.resetModules();
  const fresh = await import("../../src/terraform/initialise");
  await fresh.initialise(stack(), none);
  await fresh.initialise(stack(), none);
  expect(notes).toEqual([
    expect.stringMatching(/^Note: providers\/\.terraform\.lock\.hcl is missing.*npm run lock-providers/),
  ]);
});

test("a lock file of other versions is refused before anything is installed", async () => {
  const one = stack("9.9.9");
  await expect(initialise(one, locked)).rejects.toThrow(
    /^providers\/\.terraform\.lock\.hcl has checksums of \S+ [\d.]+, and the stacks use \S+ 9\.9\.9\. .*npm run lock-providers/,
  );
  expect(existsSync(join(one.directory, ".terraform"))).toBe(false);
});

test("providers that are attached, as a sandbox's are, have no lock file and need none", async () => {
  const one = stack();
  // terraform may end that process.
  const { pid: ended } = spawnSync(process.execPath, ["--version"]);
  const attached = Object.fromEntries(
    bound.map(({ address }) => [
      address,
      {
        Protocol: "grpc",
        ProtocolVersion: 6,
        Pid: ended,
        Test: true,
        Addr: { Network: "tcp", String: "127.0.0.1:1" },
      },
    ]),
  );
  await initialise(one, { ...released, TF_REATTACH_PROVIDERS: JSON.stringify(attached) });
  expect(existsSync(join(one.directory, LOCK_FILE))).toBe(false);
  expect(notes).toEqual([]);
});

test("another program under the same version never comes into the lock file by itself", async () => {
  const before = readFileSync(join(providers, LOCK_FILE), "utf8");
  await expect(lockProviders(bound, { variables: released, mirror: replacedMirror })).rejects.toThrow(
    /has a checksum of this version that nothing has any more.*Nothing was written/,
  );
  expect(readFileSync(join(providers, LOCK_FILE), "utf8")).toBe(before);
});

test("the command makes both files, the same each time", () => {
  const own = join(folder, "own");
  const run = () => cli(["lock-providers", "--mirror", mirror, "--json"], { HYBRID_GITOPS_PROVIDERS: own });
  const result = run();
  expect([result.code, JSON.parse(result.stdout).providers]).toEqual([0, expect.arrayContaining([])]);
  const read = () => [LOCK_FILE, "versions.tf"].map((name) => readFileSync(join(own, name), "utf8"));
  const before = read();
  expect(before).toEqual([readFileSync(join(providers, LOCK_FILE), "utf8"), versionsText(bound)]);
  expect(run().code).toBe(0);
  expect(read()).toEqual(before);
});

test("the plain CLI finds the same checksums in its stacks, and terraform refuses another program there", () => {
  const outdir = join(folder, "cdktf.out");
  mkdirSync(outdir);
  const result = cli(["app"], {
    CDKTF_OUTDIR: outdir,
    HYBRID_GITOPS_PROVIDERS: providers,
    HYBRID_GITOPS_CONFIG: join(REPOSITORY, "infrastructure.config.json.example"),
  });
  expect([result.code, result.stderr]).toEqual([0, ""]);
  const directory = join(outdir, "stacks", "staging-github-secrets");
  expect(parseLock(lockOf({ directory })).map(({ address }) => address)).toContain(
    "registry.terraform.io/integrations/github",
  );
  const { status, stderr } = spawnSync("terraform", ["init", "-no-color", "-backend=false"], {
    cwd: directory,
    env: replaced as NodeJS.ProcessEnv,
    encoding: "utf8",
  });
  expect([status, stderr.replace(/\s+/g, " ")]).toEqual([
    1,
    expect.stringContaining("doesn't match any of the checksums previously recorded"),
  ]);
});

test("what is committed has the versions of the bindings, and checksums for every platform", () => {
  const own = join(REPOSITORY, "providers");
  expect(readFileSync(join(own, "versions.tf"), "utf8")).toBe(versionsText(bound));
  // The lock file itself is made where the registry can be reached.
  const text = existsSync(join(own, LOCK_FILE)) ? readFileSync(join(own, LOCK_FILE), "utf8") : undefined;
  for (const { address, version } of text === undefined ? [] : bound) {
    const entry = parseLock(text ?? "").find((one) => one.address === address);
    expect([entry?.version, (entry?.hashes ?? []).filter((hash) => hash.startsWith("h1:")).length]).toEqual([
      version,
      expect.any(Number),
    ]);
    expect((entry?.hashes ?? []).filter((hash) => hash.startsWith("h1:")).length).toBeGreaterThanOrEqual(
      PLATFORMS.length,
    );
  }
});

test("Git takes the committed one only", () => {
  const ignored = (path: string) =>
    spawnSync("git", ["check-ignore", "-q", path], { cwd: REPOSITORY }).status === 0;
  expect(
    [`providers/${LOCK_FILE}`, `cdktf.out/stacks/staging-cluster/${LOCK_FILE}`, LOCK_FILE].map(ignored),
  ).toEqual([false, true, true]);
});
