import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sodium from "libsodium-wrappers";
import { differingSecrets, proposeSecrets } from "../../src/secrets/publish";
import { readPublished, writePublished } from "../../src/secrets/published";
import { PLANNED_WITH } from "../../src/secrets/tokens";

jest.mock("../../src/api-client/retry-policy", () => require("../support/quick-retries").quickRetries());

const GITHUB = { owner: "acme", repository: "platform", branch: "main" };
const TOKEN = "dop_v1_sentinel";

let folder: string;
let server: Server;
let base: string;
interface Keys {
  publicKey: Uint8Array;
  privateKey: Uint8Array;
}
/** Of the repository, and of its environment staging (undefined: GitHub doesn't have it). */
let keys: Keys;
let environmentKeys: Keys | undefined;
let keyId: string;
let status: number;
let repository: object;
let asked: string[];

const KEY = "/repos/acme/platform/actions/secrets/public-key";
const ENVIRONMENT_KEY = "/repos/acme/platform/environments/staging/secrets/public-key";

beforeAll(async () => {
  await sodium.ready;
  server = createServer((request, response) => {
    // GitHub Enterprise Server has its API below /api/v3.
    const url = (request.url ?? "").replace(/^\/api\/v3/, "");
    asked.push(`${url} ${request.headers.authorization}`);
    const pair = url === KEY ? keys : url === ENVIRONMENT_KEY ? environmentKeys : undefined;
    const answer =
      url === "/repos/acme/platform"
        ? repository
        : pair && {
            key_id: keyId,
            key: sodium.to_base64(pair.publicKey, sodium.base64_variants.ORIGINAL),
          };
    response.statusCode = answer ? status : 404;
    response.end(JSON.stringify(answer ?? { message: "Not Found" }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => server.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "publish-"));
  keys = sodium.crypto_box_keypair();
  environmentKeys = sodium.crypto_box_keypair();
  repository = { visibility: "public", owner: { type: "Organization" } };
  [keyId, status, asked] = ["1", 200, []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const set = (variables: Record<string, string>) => ({
  directory: folder,
  environment: { name: "staging", reviewers: ["ada"] },
  github: GITHUB,
  keepsKeys: true,
  variables: { GITHUB_BASE_URL: base, GITHUB_TOKEN: "gh", DIGITALOCEAN_TOKEN: TOKEN, ...variables },
});
/** Proposes, and approves. */
async function publish(variables: Record<string, string> = {}, github: object = GITHUB) {
  const options = { ...set(variables), github: github as typeof GITHUB };
  const { sealed, changes, keyChanged, waiting, leftOut, published } = await proposeSecrets(options);
  if (changes) writePublished(folder, "staging", published);
  return { sealed, changes, keyChanged, waiting, leftOut };
}
const published = () => readPublished(folder, "staging");
const inEnvironment = (name: string) => published()?.environment?.secrets[name];
const open = (sealed = "", pair: Keys | undefined = environmentKeys) =>
  sodium.to_string(
    sodium.crypto_box_seal_open(
      sodium.from_base64(sealed, sodium.base64_variants.ORIGINAL),
      (pair as Keys).publicKey,
      (pair as Keys).privateKey,
    ),
  );
/** Both keys at GitHub are new ones. */
const renewKeys = () => {
  keys = sodium.crypto_box_keypair();
  environmentKeys = sodium.crypto_box_keypair();
};
const text = () => readFileSync(join(folder, "secrets", "staging.json"), "utf8");
/** The file as versions before this one wrote it: deploy tokens among the secrets of the repository. */
const writeFormer = () => {
  const { environment, offer: _, ...rest } = JSON.parse(text());
  const secrets = Object.fromEntries(
    Object.entries(environment.secrets).map(([name, value]) => [`STAGING_${name}`, value]),
  );
  writeFileSync(join(folder, "secrets", "staging.json"), JSON.stringify({ ...rest, secrets }));
};

test("deploy tokens are sealed so that only the key of the GitHub environment opens them, and none is the repository's", async () => {
  const { sealed, changes } = await publish();
  expect([sealed, changes]).toEqual([["DIGITALOCEAN_TOKEN", "PLATFORM_GITHUB_TOKEN"], true]);
  expect(open(inEnvironment("DIGITALOCEAN_TOKEN")?.sealed)).toBe(TOKEN);
  expect(() => open(inEnvironment("DIGITALOCEAN_TOKEN")?.sealed, keys)).toThrow();
  expect(published()?.secrets).toEqual({});
  expect(text()).not.toContain(TOKEN);
  expect([...asked].sort()).toEqual(
    ["/repos/acme/platform", KEY, ENVIRONMENT_KEY].map((path) => `${path} Bearer gh`).sort(),
  );
});

test("tokens of plans are sealed for the repository, with the environment's name in front", async () => {
  const { sealed } = await publish({
    PLAN_DIGITALOCEAN_TOKEN: "read",
    PLAN_GITHUB_TOKEN: "read-gh",
    STAGING_PLAN_GITHUB_TOKEN: "read-gh of staging",
  });
  expect(sealed.slice(2)).toEqual(["STAGING_PLAN_DIGITALOCEAN_TOKEN", "STAGING_PLAN_GITHUB_TOKEN"]);
  const secrets = published()?.secrets;
  expect(open(secrets?.STAGING_PLAN_DIGITALOCEAN_TOKEN?.sealed, keys)).toBe("read");
  expect(open(secrets?.STAGING_PLAN_GITHUB_TOKEN?.sealed, keys)).toBe("read-gh of staging");
  expect(Object.keys(published()?.environment?.secrets ?? {})).toEqual([
    "DIGITALOCEAN_TOKEN",
    "PLATFORM_GITHUB_TOKEN",
  ]);
});

test.each(Object.entries(PLANNED_WITH))("a plan gets no token of a deploy: %s", async (plan, deploy) => {
  await expect(publish({ [deploy]: "shared", [plan]: "shared" })).rejects.toThrow(
    new RegExp(`^staging: ${plan} has the value of ${deploy}\\. Plans run the code of every pull request`),
  );
  // Nor where only one of them is the environment's own.
  await expect(publish({ [`STAGING_${deploy}`]: "shared", [plan]: "shared" })).rejects.toThrow(
    `${plan} has the value of STAGING_${deploy}`,
  );
  expect(existsSync(join(folder, "secrets"))).toBe(false);
});

test.each([
  ["STAGING_PLAN_DIGITALOCEAN_TOKEN", "PRODUCTION_DIGITALOCEAN_TOKEN"],
  ["PLAN_GITHUB_TOKEN", "SPACES_SECRET_ACCESS_KEY"],
  ["PLAN_GITHUB_TOKEN", "DNS_DIGITALOCEAN_TOKEN"],
  ["PLAN_SPACES_SECRET_ACCESS_KEY", "PRODUCTION_BACKUP_SPACES_SECRET_ACCESS_KEY"],
  ["PLAN_DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"],
  ["PLAN_GITHUB_TOKEN", "PRODUCTION_PLATFORM_GITHUB_TOKEN"],
])("nor any other secret of any environment, also with a blank behind it: %s, %s", async (plan, other) => {
  for (const [one, two] of [
    ["shared-sentinel", "shared-sentinel"],
    ["shared-sentinel ", "shared-sentinel"],
    ["shared-sentinel", "\tshared-sentinel\n"],
  ] as const) {
    const error = await publish({ [plan]: one, [other]: two }).catch((thrown: Error) => thrown);
    expect(error).toBeInstanceOf(Error);
    const { message } = error as Error;
    expect(message).toContain(`staging: ${plan} has the value of ${other}. `);
    expect(message).not.toContain("shared-sentinel");
  }
  expect(existsSync(join(folder, "secrets"))).toBe(false);
});

test("environments may share a plan's token, and what isn't set equals nothing", async () => {
  const { sealed } = await publish({
    PLAN_GITHUB_TOKEN: "read",
    PRODUCTION_PLAN_GITHUB_TOKEN: "read",
    PLAN_DIGITALOCEAN_TOKEN: "",
    SPACES_SECRET_ACCESS_KEY: "",
  });
  expect(sealed).toContain("STAGING_PLAN_GITHUB_TOKEN");
});

test("deploy tokens wait for the GitHub environment, which gives them a key", async () => {
  const later = environmentKeys;
  environmentKeys = undefined;
  expect(await publish()).toMatchObject({
    sealed: [],
    waiting: ["DIGITALOCEAN_TOKEN", "PLATFORM_GITHUB_TOKEN"],
  });
  expect(published()).toMatchObject({ secrets: {} });
  expect(published()?.environment).toBeUndefined();
  environmentKeys = later;
  expect(await publish()).toMatchObject({
    sealed: ["DIGITALOCEAN_TOKEN", "PLATFORM_GITHUB_TOKEN"],
    waiting: [],
  });
});

test("deploy tokens that were the repository's move into the environment; where a value isn't set here: refused", async () => {
  await publish({ SPACES_ACCESS_KEY_ID: "DO00KEY" });
  writeFormer();
  const before = text();
  await expect(publish()).rejects.toThrow(
    /deploy tokens move into its environment staging.*: SPACES_ACCESS_KEY_ID\. Nothing was changed/,
  );
  expect(text()).toBe(before);
  await publish({ SPACES_ACCESS_KEY_ID: "DO00KEY" });
  expect(published()?.secrets).toEqual({});
  expect(open(inEnvironment("SPACES_ACCESS_KEY_ID")?.sealed)).toBe("DO00KEY");
});

test("where GitHub offers no environments, deploy tokens are nowhere, and that is told", async () => {
  await publish();
  writeFormer();
  repository = { private: true, owner: { type: "User" } };
  // The owner's plan isn't known to this token, and the list of environments isn't there.
  const { leftOut, waiting } = await publish();
  expect(leftOut).toEqual([expect.stringMatching(/^staging: GitHub offers acme\/platform no environments/)]);
  expect(waiting).toEqual([]);
  expect(published()).toMatchObject({ secrets: {}, offer: { environments: false } });
  expect(published()?.environment).toBeUndefined();
});

test("who may not read the plan takes nothing back that a colleague found out", async () => {
  repository = { visibility: "private", owner: { type: "User" } };
  expect((await publish({}, { ...GITHUB, plan: "enterprise" })).leftOut).toEqual([]);
  expect((await publish()).leftOut).toEqual([]);
  expect(published()?.offer).toMatchObject({ plan: "enterprise", protectionRules: true });
  repository = { visibility: "public", owner: { type: "User" } };
  await publish();
  expect(published()?.offer?.visibility).toBe("public");
});

test("a proposal writes no published file, and names what differs without asking GitHub", async () => {
  await publish();
  const before = text();
  const { sealed } = await proposeSecrets(set({ DIGITALOCEAN_TOKEN: "another", PLAN_GITHUB_TOKEN: "read" }));
  expect(sealed).toEqual(["DIGITALOCEAN_TOKEN", "STAGING_PLAN_GITHUB_TOKEN"]);
  expect(text()).toBe(before);
  asked = [];
  const differing = (variables: Record<string, string>) =>
    differingSecrets({ ...set(variables), environment: "staging" });
  expect(await differing({ DIGITALOCEAN_TOKEN: "another", PLAN_GITHUB_TOKEN: "read" })).toEqual(sealed);
  expect(await differing({})).toEqual([]);
  expect(asked).toEqual([]);
});

test("the same values are left as they are, byte for byte", async () => {
  await publish();
  const before = text();
  expect(await publish()).toEqual({
    sealed: [],
    changes: false,
    keyChanged: false,
    waiting: [],
    leftOut: [],
  });
  expect(text()).toBe(before);
});

test("a changed value is sealed anew, and only it", async () => {
  await publish();
  const before = inEnvironment("PLATFORM_GITHUB_TOKEN");
  expect((await publish({ DIGITALOCEAN_TOKEN: "another" })).sealed).toEqual(["DIGITALOCEAN_TOKEN"]);
  expect(open(inEnvironment("DIGITALOCEAN_TOKEN")?.sealed)).toBe("another");
  expect(inEnvironment("PLATFORM_GITHUB_TOKEN")).toEqual(before);
});

test("a secret that isn't set on this machine keeps its sealed value", async () => {
  await publish();
  const before = published();
  expect(await publish({ DIGITALOCEAN_TOKEN: "" })).toMatchObject({ sealed: [], changes: false });
  expect(published()).toEqual(before);
});

test("a changed key of the repository or the environment seals everything anew that it is for", async () => {
  await publish({ PLAN_DIGITALOCEAN_TOKEN: "read" });
  renewKeys();
  keyId = "2";
  const result = await publish({ PLAN_DIGITALOCEAN_TOKEN: "read" });
  expect([result.sealed.length, result.keyChanged]).toEqual([3, true]);
  expect([published()?.publicKey.id, published()?.environment?.publicKey.id]).toEqual(["2", "2"]);
  expect(open(inEnvironment("DIGITALOCEAN_TOKEN")?.sealed)).toBe(TOKEN);
});

test("a changed key of the repository and a value that isn't set here: refused with its name, and nothing is written", async () => {
  await publish({ SPACES_ACCESS_KEY_ID: "DO00KEY", PLAN_GITHUB_TOKEN: "read" });
  const before = text();
  renewKeys();
  keyId = "2";
  await expect(publish({ GITHUB_TOKEN: "another" })).rejects.toThrow(
    /GitHub has a new public key for acme\/platform.*secrets\/staging\.json.*: STAGING_PLAN_GITHUB_TOKEN \(PLAN_GITHUB_TOKEN\), SPACES_ACCESS_KEY_ID\. Nothing was changed/,
  );
  expect(text()).toBe(before);
  // Where they are set, everything is sealed anew.
  const all = { SPACES_ACCESS_KEY_ID: "DO00KEY", STAGING_PLAN_GITHUB_TOKEN: "read" };
  expect((await publish(all)).sealed).toHaveLength(4);
});

test("a key with the same id and other bytes is another key", async () => {
  await publish();
  environmentKeys = sodium.crypto_box_keypair();
  expect((await publish()).keyChanged).toBe(true);
});

test("an environment's own variable goes before the general one", async () => {
  await publish({ STAGING_DIGITALOCEAN_TOKEN: "of staging" });
  expect(open(inEnvironment("DIGITALOCEAN_TOKEN")?.sealed)).toBe("of staging");
});

test("the private halves are the owner's alone, and OpenSSH reads the deploy key", async () => {
  await publish();
  const file = join(folder, ".secrets", "staging", "deploy-key");
  expect([statSync(file).mode & 0o777, statSync(join(folder, ".secrets", "staging")).mode & 0o777]).toEqual([
    0o600, 0o700,
  ]);
  const keygen = spawnSync("ssh-keygen", ["-y", "-f", file], { encoding: "utf8" });
  if (keygen.error) console.warn("ssh-keygen isn't installed: the deploy key's form is not checked");
  else expect(keygen.stdout.split(" ").slice(0, 2).join(" ").trim()).toBe(published()?.deployKey);
});

test("a machine without the private halves (CI) keeps what is published", async () => {
  await publish();
  const before = published();
  rmSync(join(folder, ".secrets"), { recursive: true });
  await publish({ DIGITALOCEAN_TOKEN: "another" });
  expect(published()).toMatchObject({ deployKey: before?.deployKey, webhookPath: before?.webhookPath });
  expect(existsSync(join(folder, ".secrets"))).toBe(false);
});

test.each([
  [401, /401, GITHUB_TOKEN is not valid/],
  [403, /403, GITHUB_TOKEN may not read it/],
  [404, /404, the repository doesn't exist or GITHUB_TOKEN doesn't see it/],
  [500, /500\. Try again later/],
])("GitHub's %i is told with its fix, and nothing is written", async (code, message) => {
  status = code;
  await expect(publish()).rejects.toThrow(message);
  expect(existsSync(join(folder, "secrets"))).toBe(false);
});

test("a damaged file is told by its name and its way back", async () => {
  await publish();
  writeFileSync(join(folder, "secrets", "staging.json"), '{ "secrets": 1 }');
  expect(() => published()).toThrow(
    /secrets\/staging\.json is damaged[\s\S]*git checkout -- secrets\/staging\.json/,
  );
});
