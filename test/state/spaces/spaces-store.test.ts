import { loadS3 } from "../../../src/state/spaces/bucket";
import { openSpacesStore, type SpacesStore } from "../../../src/state/spaces/spaces-store";
import { describeWithS3, freePort, ROOT_KEY, S3Server } from "../../support/s3-server";

const BUCKET = "acme-state";

/** A backend of the configuration at a server of these tests. */
function backendAt(endpoint: string, bucket = BUCKET) {
  return { backend: "spaces", bucket, region: "fra1", endpoint, ownEndpoint: true, lockfile: true } as const;
}

function variablesOf({ id, secret } = ROOT_KEY) {
  return { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret };
}

describeWithS3("states in a bucket of a real S3 server", () => {
  let server: S3Server;
  let store: SpacesStore;
  beforeAll(async () => {
    server = await S3Server.start();
    store = await openSpacesStore(backendAt(server.endpoint), variablesOf(), { attempts: 1 });
    const { CreateBucketCommand } = await loadS3();
    await store.bucket.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  });
  afterAll(() => server.remove());

  test("are written, read, listed by folder and removed", async () => {
    const bytes = Buffer.from([0, 255, 10, 13, 0xe2, 0x82]);
    await store.write("staging-cluster.tfstate", bytes);
    await store.write("backups/staging-cluster/20261121T183000123Z-12-1f2e3d4c.tfstate", Buffer.from("{}"));

    expect(await store.read("staging-cluster.tfstate")).toEqual(bytes);
    expect(await store.read("production-cluster.tfstate")).toBeUndefined();
    expect(await store.list("")).toEqual(["staging-cluster.tfstate"]);
    expect(await store.list("backups/staging-cluster")).toEqual(["20261121T183000123Z-12-1f2e3d4c.tfstate"]);
    expect(await store.list("backups/production-cluster")).toEqual([]);
    await store.write("staging-cluster.tfstate", Buffer.from("{}"));
    expect(String(await store.read("staging-cluster.tfstate"))).toBe("{}");
    await store.remove("staging-cluster.tfstate");
    await store.remove("staging-cluster.tfstate");
    expect(await store.list("")).toEqual([]);
  });

  test("are listed beyond the thousand names of one answer", async () => {
    const names = Array.from({ length: 1005 }, (_, index) => `${String(index).padStart(4, "0")}.tfstate`);
    for (const name of names) server.place(BUCKET, `many/${name}`, "{}");
    expect(await store.list("many")).toEqual(names);
  });

  test("are created once only, however many want to", async () => {
    const created = await Promise.all(
      ["a", "b", "c", "d"].map((text) => store.bucket.create("once", Buffer.from(text))),
    );
    expect(created.filter(Boolean)).toHaveLength(1);
    expect(await store.bucket.create("once", Buffer.from("e"))).toBe(false);
  });

  const refusal = async (work: Promise<unknown>): Promise<string> =>
    work.then(
      () => "done",
      (error: Error) => error.message,
    );

  test("that can't be reached are told with the bucket, the reason and the fix", async () => {
    const at = (endpoint: string, key = ROOT_KEY, bucket = BUCKET) =>
      openSpacesStore(backendAt(endpoint, bucket), variablesOf(key), { attempts: 1 });
    const place = `bucket ${BUCKET} at ${server.endpoint}`;
    const unknown = await at(server.endpoint, { id: "NOBODY", secret: "x" });
    expect(await refusal(unknown.read("a"))).toBe(
      `${place}: a can't be read: the store doesn't know the key SPACES_ACCESS_KEY_ID: it was deleted, or belongs to another account. npm run state -- prepare makes a new one.`,
    );
    const wrongSecret = await at(server.endpoint, { ...ROOT_KEY, secret: "another" });
    expect(await refusal(wrongSecret.list(""))).toBe(
      `${place}: its content can't be listed: SPACES_SECRET_ACCESS_KEY doesn't belong to SPACES_ACCESS_KEY_ID. Put both halves of one key into .env; npm run state -- prepare makes a new one.`,
    );
    const somebody = { id: "SOMEBODY", secret: "somebody's" };
    await server.addAccount(somebody, "user");
    const foreign = await at(server.endpoint, somebody);
    expect(await refusal(foreign.write("a", Buffer.from("x")))).toMatch(
      /: a can't be written: the key SPACES_ACCESS_KEY_ID may not do that: the bucket belongs to another account/,
    );
    const absent = await at(server.endpoint, ROOT_KEY, "no-such-bucket");
    expect(await refusal(absent.read("a"))).toBe(
      `bucket no-such-bucket at ${server.endpoint}: a can't be read: there is no such bucket. Correct state.bucket and state.region in the configuration; npm run state -- prepare makes the bucket.`,
    );
    const nobody = `http://127.0.0.1:${await freePort()}`;
    expect(await refusal((await at(nobody)).read("a"))).toBe(
      `bucket ${BUCKET} at ${nobody}: a can't be read: nothing listens at its address. Is state.endpoint right, and is the store running?`,
    );
  });

  test("need both halves of a key", async () => {
    const { AWS_ACCESS_KEY_ID } = variablesOf();
    for (const variables of [{}, { AWS_ACCESS_KEY_ID }, { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY: "" }])
      expect(await refusal(openSpacesStore(backendAt(server.endpoint), variables))).toBe(
        "The key of the bucket acme-state is not set (SPACES_ACCESS_KEY_ID and SPACES_SECRET_ACCESS_KEY, in .env or the environment): npm run state -- prepare makes one.",
      );
  });
});
