import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Bucket, loadS3 } from "../../../src/state/spaces/bucket";
import { migrateStates, planMigration } from "../../../src/state/spaces/migrate";
import { MigratingLocalStore, MigratingSpacesStore } from "../../../src/state/spaces/migration-stores";
import { describeWithS3, ROOT_KEY, S3Server } from "../../support/s3-server";
import { SandboxProject } from "../../support/sandbox-project";
import { placeAt, runMeanwhile, stateAt } from "../../support/spaces-account";

const LINEAGES = { one: "1f2e3d4c-0000-4000-8000-000000000001", two: "2f2e3d4c-0000-4000-8000-000000000002" };

const stateOf = (serial: number, lineage: keyof typeof LINEAGES = "one", name = "a"): string =>
  `${JSON.stringify({
    version: 4,
    serial,
    lineage: LINEAGES[lineage],
    resources: [{ mode: "managed", type: "null_resource", name, instances: [{}] }],
  })}\n`;

describeWithS3("a migration of states to a bucket", () => {
  let server: S3Server;
  let folder: string;
  let number = 0;
  let local: MigratingLocalStore;
  let bucket: MigratingSpacesStore;
  beforeAll(async () => {
    server = await S3Server.start();
  });
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-migration-"));
    number += 1;
    local = new MigratingLocalStore(folder, "state/");
    const opened = await Bucket.open(placeAt(server, `bucket-${number}`), ROOT_KEY);
    const { CreateBucketCommand } = await loadS3();
    await opened.client.send(new CreateBucketCommand({ Bucket: opened.name }));
    bucket = new MigratingSpacesStore(opened);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));
  afterAll(() => server.remove());

  const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);
  const inBucket = async (name: string): Promise<string | undefined> => (await bucket.read(name))?.toString();
  const migrate = async (checkpoint?: () => void): Promise<void> =>
    migrateStates(await planMigration(local, bucket), { source: local, target: bucket, checkpoint });

  test("moves every state and puts the local ones aside", async () => {
    write("a.tfstate", stateOf(3));
    write("b.tfstate", stateOf(7, "two"));
    write("b.tfstate.backup", stateOf(6, "two"));
    write("empty.tfstate", "");
    await migrate();
    expect([await inBucket("a.tfstate"), await inBucket("b.tfstate")]).toEqual([
      stateOf(3),
      stateOf(7, "two"),
    ]);
    expect(readdirSync(folder)).toEqual(["retired"]);
    expect(readdirSync(join(folder, "retired")).sort()).toEqual([
      "a.tfstate",
      "b.tfstate",
      "b.tfstate.backup",
      "empty.tfstate",
    ]);
    expect(await planMigration(local, bucket)).toEqual([]);
  });

  test("replaces an older state of the same lineage, which an earlier run has written", async () => {
    await bucket.write("a.tfstate", Buffer.from(stateOf(2)));
    write("a.tfstate", stateOf(3));
    await migrate();
    expect(await inBucket("a.tfstate")).toBe(stateOf(3));
  });

  test.each([
    ["another lineage", stateOf(1, "two"), /one of another lineage/],
    ["a higher serial", stateOf(4), /a newer one \(here 1 resource, serial 3; there 1 resource, serial 4\)/],
    ["the same serial with other content", stateOf(3, "one", "b"), /another one with the same serial/],
    ["a damaged one", '{"version": 4, "ser', /damaged/],
  ])("is refused before anything is touched: %s", async (_, there, message) => {
    write("a.tfstate", stateOf(3));
    write("b.tfstate", stateOf(1, "two"));
    await bucket.write("a.tfstate", Buffer.from(there));
    await expect(migrate()).rejects.toThrow(message);
    expect([await inBucket("a.tfstate"), await inBucket("b.tfstate")]).toEqual([there, undefined]);
    expect(readdirSync(folder).sort()).toEqual(["a.tfstate", "b.tfstate"]);
  });

  test("is refused while somebody has the lock of a state there", async () => {
    write("a.tfstate", stateOf(3));
    await bucket.write("a.tfstate.tflock", Buffer.from("{}"));
    await expect(migrate()).rejects.toThrow(/has a lock on it/);
    expect(readdirSync(folder)).toEqual(["a.tfstate"]);
  });

  test("is finished by the next run, wherever the first one was stopped", async () => {
    // Three states: written, verified and retired one after the other.
    for (let stop = 0; stop < 9; stop++) {
      const names = [1, 2, 3].map((index) => `${stop}-${index}.tfstate`);
      for (const name of names) write(name, stateOf(stop));
      let left = stop;
      await expect(
        migrate(() => {
          if (left === 0) throw new Error("stopped");
          left -= 1;
        }),
      ).rejects.toThrow("stopped");
      for (const name of names) {
        const isLocal = existsSync(join(folder, name));
        const isThere = (await inBucket(name)) === stateOf(stop);
        expect([name, isLocal || isThere]).toEqual([name, true]);
        // Nothing is moved before all of them are there.
        if (!isLocal) expect(await Promise.all(names.map(inBucket))).toEqual(names.map(() => stateOf(stop)));
      }
      await migrate();
      expect(await Promise.all(names.map(inBucket))).toEqual(names.map(() => stateOf(stop)));
      for (const name of names)
        expect(readFileSync(join(folder, "retired", name), "utf8")).toBe(stateOf(stop));
    }
    expect(readdirSync(folder)).toEqual(["retired"]);
  });

  test("puts nothing aside when the bucket gives back something else than was written", async () => {
    write("a.tfstate", stateOf(3));
    const steps = await planMigration(local, bucket);
    const read = bucket.read.bind(bucket);
    bucket.read = async (name) => (name === "a.tfstate" ? Buffer.from(stateOf(2)) : read(name));
    await expect(migrateStates(steps, { source: local, target: bucket })).rejects.toThrow(
      /what bucket .* has is not what was written/,
    );
    expect(readdirSync(folder)).toEqual(["a.tfstate"]);
  });
});

describeWithS3("states that are somewhere else than the configuration says", () => {
  let server: S3Server;
  let project: SandboxProject;
  const key = { AWS_ACCESS_KEY_ID: ROOT_KEY.id, AWS_SECRET_ACCESS_KEY: ROOT_KEY.secret };
  const run = (...words: string[]) => runMeanwhile(project, words, key);
  const keepIn = (state: unknown): void =>
    project.configure((document) => {
      document.state = state;
    });
  beforeAll(async () => {
    server = await S3Server.start();
    const { client } = await Bucket.open(placeAt(server, "acme-state"), ROOT_KEY);
    const { CreateBucketCommand } = await loadS3();
    await client.send(new CreateBucketCommand({ Bucket: "acme-state" }));
    project = new SandboxProject((document) => {
      document.environments = document.environments.slice(0, 1);
      delete document.github;
    });
    mkdirSync(project.directory, { recursive: true });
  });
  afterAll(async () => {
    project.remove();
    await server.remove();
  });

  test("a deploy is refused until the local states are in the bucket, and without the bucket afterwards", async () => {
    expect((await run("deploy", "--yes")).code).toBe(0);
    const clouds = project.read("clouds", "digitalocean.json");
    keepIn(stateAt(server, "acme-state"));
    const early = await run("deploy", "--yes");
    expect([early.code, early.stderr]).toEqual([
      1,
      expect.stringContaining(`Move them: npm run state -- migrate --sandbox ${project.name}`),
    ]);
    const moved = await run("state", "migrate", "--yes");
    expect([moved.code, moved.stderr]).toEqual([0, ""]);
    expect((await run("diff")).code).toBe(0);
    keepIn({ backend: "local" });
    const without = await run("deploy", "--yes");
    expect([without.code, without.stderr]).toEqual([
      1,
      expect.stringContaining("the last command here kept them in the bucket acme-state (fra1, "),
    ]);
    keepIn(stateAt(server, "acme-state"));
    expect((await run("state", "migrate", "--to-local", "--yes")).code).toBe(0);
    const unsettled = await run("deploy", "--yes");
    expect([unsettled.code, unsettled.stderr]).toEqual([
      1,
      expect.stringContaining(`in .sandbox/${project.name}/state/ only`),
    ]);
    keepIn({ backend: "local" });
    expect((await run("diff")).code).toBe(0);
    expect(project.read("clouds", "digitalocean.json")).toBe(clouds);
  });
});
