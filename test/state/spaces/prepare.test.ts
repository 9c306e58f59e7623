import { statSync } from "node:fs";
import { join } from "node:path";
import { Bucket, type BucketKey, loadS3 } from "../../../src/state/spaces/bucket";
import { type PreparationFinding, prepareBucket } from "../../../src/state/spaces/prepare";
import { type Judge, S3Proxy } from "../../support/s3-proxy";
import { describeWithS3, ROOT_KEY, S3Server } from "../../support/s3-server";
import { SandboxProject } from "../../support/sandbox-project";
import { placeAt, runMeanwhile, SpacesAccount, stateAt } from "../../support/spaces-account";

const BUCKET = "acme-state";

describeWithS3("npm run state -- prepare", () => {
  let server: S3Server;
  let project: SandboxProject;
  let account: SpacesAccount;
  const prepare = (...words: string[]) =>
    runMeanwhile(project, ["state", "prepare", "--yes", "--json", ...words]);
  const inSandbox = (bucket = BUCKET) => {
    project = new SandboxProject((document) => {
      document.state = stateAt(server, bucket);
    });
  };
  const asRoot = (bucket = BUCKET) => Bucket.open(placeAt(server, bucket), ROOT_KEY);
  beforeAll(async () => {
    server = await S3Server.start({ versions: true });
    inSandbox();
    account = await SpacesAccount.open(server, project);
  });
  afterAll(async () => {
    await account.close();
    project.remove();
    await server.remove();
  });

  test("makes bucket and key; versitygw has no lifecycle rules, and no lock in a bucket with versions", async () => {
    project.write([".env"], "# mine\nOTHER=1\nSPACES_ACCESS_KEY_ID=\n");
    const result = await prepare();
    expect([result.code, result.stderr.match(/secret/i)]).toEqual([0, null]);
    const { findings } = JSON.parse(result.stdout);
    expect(findings.map(({ check, status }: any) => [check, status])).toEqual([
      ["bucket", "changed"],
      ["access", "ok"],
      ["versioning", "changed"],
      ["lifecycle", "warning"],
      ["key", "changed"],
      ["locking", "changed"],
    ]);
    expect(project.json("infrastructure.config.json").state).toEqual({
      ...stateAt(server, BUCKET),
      lockfile: false,
    });
    expect(findings.at(-1).message).toBe(
      "Terraform can't lock states in this bucket, since a lock that was given back can't be taken again: \"lockfile\": false is in the configuration now, and the lock file in the bucket is off (state.lockfile): the concurrency groups of CI are the only lock, so deploy from there only, or from one machine at a time",
    );
    const bucket = await asRoot();
    const { GetBucketVersioningCommand } = await loadS3();
    expect(await bucket.client.send(new GetBucketVersioningCommand({ Bucket: BUCKET }))).toMatchObject({
      Status: "Enabled",
    });
    // The key with full access is gone; what is left is for this bucket only, and only in .env.
    expect(account.history.map(({ name, grant }) => [name, grant])).toEqual([
      [`hybrid-gitops-temporary-${BUCKET}`, [{ permission: "fullaccess", bucket: "" }]],
      [`hybrid-gitops-state-${BUCKET}`, [{ permission: "readwrite", bucket: BUCKET }]],
    ]);
    const [[id, key]] = Object.entries(account.keys()) as any;
    expect(Object.keys(account.keys())).toHaveLength(1);
    expect(project.read(".env")).toBe(
      `# mine\nOTHER=1\nSPACES_ACCESS_KEY_ID=${id}\nSPACES_SECRET_ACCESS_KEY=${key.secret_key}\n`,
    );
    expect(statSync(join(project.directory, ".env")).mode & 0o777).toBe(0o600);
    expect(result.stdout + result.stderr).not.toContain(key.secret_key);
    // The probe leaves nothing behind.
    expect(await bucket.list("")).toEqual({ files: [], folders: [] });
  });

  test("changes nothing when all is well", async () => {
    const before = [account.keys(), project.read(".env"), project.read("infrastructure.config.json")];
    const result = await prepare();
    const { findings } = JSON.parse(result.stdout);
    expect(findings.map(({ check, status }: any) => [check, status])).toEqual([
      ["bucket", "ok"],
      ["access", "ok"],
      ["versioning", "ok"],
      ["lifecycle", "warning"],
      ["key", "ok"],
      ["locking", "warning"],
    ]);
    expect([account.keys(), project.read(".env"), project.read("infrastructure.config.json")]).toEqual(
      before,
    );
    expect(result.code).toBe(0);
  });

  test("only looks with --check, and sees no more than the key of the bucket may see", async () => {
    const before = [account.history.length, project.read(".env")];
    const result = await runMeanwhile(project, ["state", "prepare", "--check", "--json"]);
    const { findings } = JSON.parse(result.stdout);
    expect(findings.map(({ check, status }: any) => [check, status])).toEqual([
      ["key", "ok"],
      ["access", "warning"],
      ["versioning", "warning"],
      ["lifecycle", "warning"],
      ["locking", "unchecked"],
    ]);
    expect([result.code, account.history.length, project.read(".env")]).toEqual([0, ...before]);
  });

  test("makes a new key when the one in .env is refused, and tells of the others", async () => {
    project.write([".env"], "SPACES_ACCESS_KEY_ID=DELETED\nSPACES_SECRET_ACCESS_KEY=x\n");
    const result = await prepare();
    expect(result.code).toBe(0);
    expect(project.read(".env")).not.toContain("DELETED");
    expect(JSON.parse(result.stdout).findings.map(({ message }: any) => message)).toContainEqual(
      expect.stringMatching(/^1 other key has access to the bucket under the same name \(DO00/),
    );
    expect(Object.values(account.keys()).map(({ name }) => name)).toEqual([
      `hybrid-gitops-state-${BUCKET}`,
      `hybrid-gitops-state-${BUCKET}`,
    ]);
  });

  test("deletes the temporary key when it is interrupted", async () => {
    const run = prepare();
    await until(() => Object.values(account.keys()).some(({ name }) => name.includes("temporary")));
    process.kill(run.pid ?? 0, "SIGINT");
    const result = await run;
    expect([result.code, result.stderr]).toEqual([130, expect.stringContaining("run the command again")]);
    expect(Object.values(account.keys()).filter(({ name }) => name.includes("temporary"))).toEqual([]);
  });

  test("deletes the key of a killed run before anything else", async () => {
    const run = prepare();
    await until(() => Object.values(account.keys()).some(({ name }) => name.includes("temporary")));
    process.kill(run.pid ?? 0, "SIGKILL");
    await run;
    const [left] = Object.entries(account.keys()).flatMap(([id, { name }]) =>
      name.includes("temporary") ? [id] : [],
    );
    const result = await prepare();
    expect([result.code, result.stdout]).toEqual([0, expect.stringContaining(`deleted the key ${left} `)]);
    expect(Object.values(account.keys()).filter(({ name }) => name.includes("temporary"))).toEqual([]);
  });
});

async function until(happened: () => boolean): Promise<void> {
  while (!happened()) await new Promise((proceed) => setTimeout(proceed, 20));
}

/** Prepares a bucket with a key that is given, as for a store that isn't Spaces. */
async function prepareAt(
  server: Pick<S3Server, "endpoint">,
  { bucket = BUCKET, key = ROOT_KEY }: { readonly bucket?: string; readonly key?: BucketKey } = {},
) {
  const findings: PreparationFinding[] = [];
  let lockfileOff = false;
  await prepareBucket({
    state: { ...placeAt(server, bucket), backend: "spaces", lockfile: true },
    variables: { AWS_ACCESS_KEY_ID: key.id, AWS_SECRET_ACCESS_KEY: key.secret },
    keyIsFromEnvironment: true,
    keepKey: () => {
      throw new Error("no key is made for this store");
    },
    switchLockfileOff: () => {
      lockfileOff = true;
    },
    tell: (finding) => findings.push(finding),
    signal: new AbortController().signal,
    keyLimitMs: 0,
  });
  return { lockfileOff, found: findings.map(({ check, status }) => `${check} ${status}`), findings };
}

describeWithS3("a bucket that is prepared", () => {
  let server: S3Server;
  const asRoot = (bucket: string) => Bucket.open(placeAt(server, bucket), ROOT_KEY);
  const proxies: S3Proxy[] = [];
  const inFront = async (judge: Judge): Promise<S3Proxy> => {
    const proxy = await S3Proxy.start(server.endpoint, judge);
    proxies.push(proxy);
    return proxy;
  };
  beforeAll(async () => {
    server = await S3Server.start();
  });
  afterAll(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await server.remove();
  });

  test("is locked with the lock file where conditional writes work, as in versitygw without versions", async () => {
    const { found, lockfileOff } = await prepareAt(server);
    expect([found, lockfileOff]).toEqual([
      ["bucket changed", "access ok", "versioning warning", "lifecycle warning", "locking ok"],
      false,
    ]);
    expect(server.objects(BUCKET)).toEqual([]);
  });

  test("is not locked so where the store ignores If-None-Match", async () => {
    const bucket = await asRoot(BUCKET);
    const proxy = await inFront(async ({ method, url, headers, body }) => {
      if (method !== "PUT" || headers["if-none-match"] === undefined) return "pass";
      // What a store does that doesn't know the header.
      await bucket.write(new URL(url, server.endpoint).pathname.split("/").slice(2).join("/"), await body());
      return { status: 200, headers: { etag: '"written"' } };
    });
    const { found, lockfileOff, findings } = await prepareAt(proxy);
    expect([found.at(-1), lockfileOff]).toEqual(["locking changed", true]);
    expect(findings.at(-1)?.message).toContain("since a second writer is not kept out");
    expect(server.objects(BUCKET)).toEqual([]);
  });

  test("is refused when it is somebody else's, also when that is public, and nothing is written", async () => {
    const somebody = { id: "SOMEBODY", secret: "somebody's" };
    await server.addAccount(somebody, "userplus");
    const { PutBucketOwnershipControlsCommand, PutBucketAclCommand } = await loadS3();
    const { client } = await asRoot(BUCKET);
    for (const isPublic of [false, true]) {
      if (isPublic) {
        await client.send(
          new PutBucketOwnershipControlsCommand({
            Bucket: BUCKET,
            OwnershipControls: { Rules: [{ ObjectOwnership: "BucketOwnerPreferred" }] },
          }),
        );
        await client.send(new PutBucketAclCommand({ Bucket: BUCKET, ACL: "public-read" }));
      }
      await expect(prepareAt(server, { key: somebody })).rejects.toThrow(
        `bucket ${BUCKET} at ${server.endpoint}: there is a bucket of this name that belongs to somebody else`,
      );
    }
    expect(server.objects(BUCKET)).toEqual([]);
  });

  test("is made private when it was public, and a policy that lets everybody in is told", async () => {
    const { PutBucketPolicyCommand } = await loadS3();
    const { found } = await prepareAt(server);
    expect(found.slice(0, 2)).toEqual(["bucket ok", "access changed"]);
    expect((await prepareAt(server)).found.slice(0, 2)).toEqual(["bucket ok", "access ok"]);
    const { client } = await asRoot(BUCKET);
    const Policy = JSON.stringify({
      Version: "2012-10-17",
      Statement: [
        { Effect: "Allow", Principal: "*", Action: "s3:GetObject", Resource: `arn:aws:s3:::${BUCKET}/*` },
      ],
    });
    await client.send(new PutBucketPolicyCommand({ Bucket: BUCKET, Policy }));
    expect((await prepareAt(server)).found.slice(0, 3)).toEqual(["bucket ok", "access ok", "access missing"]);
  });

  test("keeps other content, and tells of it", async () => {
    await (await asRoot(BUCKET)).write("photos/cat.jpg", Buffer.from("cat"));
    const { findings } = await prepareAt(server);
    expect(findings.find(({ check }) => check === "content")?.message).toContain(
      "has other content too (photos/)",
    );
    expect(server.object(BUCKET, "photos/cat.jpg")).toBe("cat");
  });

  test("gets its lifecycle rule beside others, once (lifecycle is played: versitygw has none)", async () => {
    let rules = "";
    const proxy = await inFront(async ({ method, url, body }) => {
      if (!/[?&]lifecycle\b/.test(url)) return "pass";
      if (method === "PUT") {
        rules = (await body()).toString("utf8");
        return { status: 200 };
      }
      if (rules !== "") return { status: 200, headers: { "content-type": "application/xml" }, body: rules };
      return { status: 404, body: "<Error><Code>NoSuchLifecycleConfiguration</Code></Error>" };
    });
    const other =
      "<Rule><ID>theirs</ID><Status>Enabled</Status><Filter><Prefix></Prefix></Filter><Expiration><Days>30</Days></Expiration></Rule>";
    expect((await prepareAt(proxy)).found).toContain("lifecycle changed");
    expect(rules).toContain("<NoncurrentDays>90</NoncurrentDays>");
    expect(rules).toContain("<DaysAfterInitiation>7</DaysAfterInitiation>");
    const before = rules;
    expect((await prepareAt(proxy)).found).toContain("lifecycle ok");
    expect(rules).toBe(before);
    rules = `<LifecycleConfiguration>${other}</LifecycleConfiguration>`;
    const { findings } = await prepareAt(proxy);
    expect(rules).toContain("<ID>theirs</ID>");
    expect(rules).toContain("<ID>hybrid-gitops-old-versions</ID>");
    expect(findings.filter(({ check }) => check === "lifecycle").map(({ status }) => status)).toEqual([
      "changed",
      "missing",
    ]);
  });
});
