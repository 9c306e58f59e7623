import { statSync } from "node:fs";
import { join } from "node:path";
import { Bucket, loadS3 } from "../../../src/state/spaces/bucket";
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
    server = await S3Server.start();
    inSandbox();
    account = await SpacesAccount.open(server, project);
  });
  afterAll(async () => {
    await account.close();
    project.remove();
    await server.remove();
  });

  test("makes bucket and key, and says that the store has no lifecycle rules, which versitygw hasn't", async () => {
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
      ["locking", "ok"],
    ]);
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
      ["locking", "ok"],
    ]);
    expect([account.keys(), project.read(".env"), project.read("infrastructure.config.json")]).toEqual(
      before,
    );
    expect(result.code).toBe(0);
  });
});
