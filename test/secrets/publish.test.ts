import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import sodium from "libsodium-wrappers";
import { differingSecrets, proposeSecrets } from "../../src/secrets/publish";
import { readPublished, writePublished } from "../../src/secrets/published";

jest.mock("../../src/api-client/retry-policy", () => require("../support/quick-retries").quickRetries());

const GITHUB = { owner: "acme", repository: "platform", branch: "main" };
const TOKEN = "dop_v1_sentinel";

let folder: string;
let server: Server;
let base: string;
let keys: { publicKey: Uint8Array; privateKey: Uint8Array };
let keyId: string;
let status: number;
let asked: string[];

beforeAll(async () => {
  await sodium.ready;
  server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`);
    response.statusCode = status;
    response.end(
      JSON.stringify({
        key_id: keyId,
        key: sodium.to_base64(keys.publicKey, sodium.base64_variants.ORIGINAL),
      }),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
});
afterAll(() => server.close());
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "publish-"));
  keys = sodium.crypto_box_keypair();
  [keyId, status, asked] = ["1", 200, []];
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const set = (variables: Record<string, string>) => ({
  directory: folder,
  environment: "staging",
  github: GITHUB,
  variables: { GITHUB_BASE_URL: base, GITHUB_TOKEN: "gh", DIGITALOCEAN_TOKEN: TOKEN, ...variables },
});
/** Proposes, and approves. */
async function publish(variables: Record<string, string> = {}) {
  const { sealed, changes, keyChanged, published } = await proposeSecrets(set(variables));
  if (changes) writePublished(folder, "staging", published);
  return { sealed, changes, keyChanged };
}
const published = () => readPublished(folder, "staging");
const open = (sealed: string) =>
  sodium.to_string(
    sodium.crypto_box_seal_open(
      sodium.from_base64(sealed, sodium.base64_variants.ORIGINAL),
      keys.publicKey,
      keys.privateKey,
    ),
  );

test("values are sealed so that only the repository's key opens them", async () => {
  const { sealed, changes } = await publish();
  expect([sealed, changes]).toEqual([["STAGING_DIGITALOCEAN_TOKEN", "STAGING_PLATFORM_GITHUB_TOKEN"], true]);
  expect(open(published()?.secrets.STAGING_DIGITALOCEAN_TOKEN?.sealed ?? "")).toBe(TOKEN);
  expect(readFileSync(join(folder, "secrets", "staging.json"), "utf8")).not.toContain(TOKEN);
  expect(asked).toEqual(["/repos/acme/platform/actions/secrets/public-key Bearer gh"]);
});

test("the same values are left as they are, byte for byte", async () => {
  await publish();
  const before = readFileSync(join(folder, "secrets", "staging.json"), "utf8");
  expect(await publish()).toEqual({ sealed: [], changes: false, keyChanged: false });
  expect(readFileSync(join(folder, "secrets", "staging.json"), "utf8")).toBe(before);
});

test("a changed value is sealed anew, and only it", async () => {
  await publish();
  const before = published();
  expect((await publish({ DIGITALOCEAN_TOKEN: "another" })).sealed).toEqual(["STAGING_DIGITALOCEAN_TOKEN"]);
  expect(open(published()?.secrets.STAGING_DIGITALOCEAN_TOKEN?.sealed ?? "")).toBe("another");
  expect(published()?.secrets.STAGING_PLATFORM_GITHUB_TOKEN).toEqual(
    before?.secrets.STAGING_PLATFORM_GITHUB_TOKEN,
  );
});

test("a proposal writes no published file, and names what differs without asking GitHub", async () => {
  await publish();
  const before = readFileSync(join(folder, "secrets", "staging.json"), "utf8");
  const { sealed } = await proposeSecrets(set({ DIGITALOCEAN_TOKEN: "another" }));
  expect(sealed).toEqual(["STAGING_DIGITALOCEAN_TOKEN"]);
  expect(readFileSync(join(folder, "secrets", "staging.json"), "utf8")).toBe(before);
  asked = [];
  expect(await differingSecrets(set({ DIGITALOCEAN_TOKEN: "another" }))).toEqual(sealed);
  expect(await differingSecrets(set({}))).toEqual([]);
  expect(asked).toEqual([]);
});

test("a secret that isn't set on this machine keeps its sealed value", async () => {
  await publish();
  const before = published();
  expect(await publish({ DIGITALOCEAN_TOKEN: "" })).toEqual({
    sealed: [],
    changes: false,
    keyChanged: false,
  });
  expect(published()).toEqual(before);
});

test("a changed key of the repository seals everything anew", async () => {
  await publish();
  keys = sodium.crypto_box_keypair();
  keyId = "2";
  const result = await publish();
  expect([result.sealed.length, result.keyChanged]).toEqual([2, true]);
  expect(published()?.publicKey.id).toBe("2");
  expect(open(published()?.secrets.STAGING_DIGITALOCEAN_TOKEN?.sealed ?? "")).toBe(TOKEN);
});

test("a changed key of the repository and a value that isn't set here: refused with its name, and nothing is written", async () => {
  await publish({ SPACES_ACCESS_KEY_ID: "DO00KEY" });
  const before = readFileSync(join(folder, "secrets", "staging.json"), "utf8");
  keys = sodium.crypto_box_keypair();
  keyId = "2";
  await expect(publish({ GITHUB_TOKEN: "another" })).rejects.toThrow(
    /GitHub has a new public key for acme\/platform.*secrets\/staging\.json.*: STAGING_SPACES_ACCESS_KEY_ID \(SPACES_ACCESS_KEY_ID\)\. Nothing was changed/,
  );
  expect(readFileSync(join(folder, "secrets", "staging.json"), "utf8")).toBe(before);
  // Where it is set, everything is sealed anew.
  expect((await publish({ SPACES_ACCESS_KEY_ID: "DO00KEY" })).sealed).toHaveLength(3);
});

test("a key with the same id and other bytes is another key", async () => {
  await publish();
  keys = sodium.crypto_box_keypair();
  expect((await publish()).keyChanged).toBe(true);
});

test("an environment's own variable goes before the general one", async () => {
  await publish({ STAGING_DIGITALOCEAN_TOKEN: "of staging" });
  expect(open(published()?.secrets.STAGING_DIGITALOCEAN_TOKEN?.sealed ?? "")).toBe("of staging");
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
