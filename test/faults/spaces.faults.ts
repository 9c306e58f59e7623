import { Bucket, loadS3 } from "../../src/state/spaces/bucket";
import { describeWithS3, ROOT_KEY, S3Server } from "../support/s3-server";
import { SandboxProject } from "../support/sandbox-project";
import { placeAt, runMeanwhile, stateAt } from "../support/spaces-account";

const BUCKET = "acme-state";
const KEY = { AWS_ACCESS_KEY_ID: ROOT_KEY.id, AWS_SECRET_ACCESS_KEY: ROOT_KEY.secret };

async function makeBucket(server: S3Server): Promise<Bucket> {
  const bucket = await Bucket.open(placeAt(server, BUCKET), ROOT_KEY);
  const { CreateBucketCommand } = await loadS3();
  await bucket.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
  return bucket;
}

describeWithS3("states in a bucket", () => {
  let server: S3Server;
  let bucket: Bucket;
  let project: SandboxProject;
  beforeAll(async () => {
    server = await S3Server.start();
    bucket = await makeBucket(server);
    project = new SandboxProject((document) => {
      document.state = stateAt(server, BUCKET);
    });
  });
  afterAll(async () => {
    project.remove();
    await server.remove();
  });

  test("a whole deploy keeps them there, with backups beside them, and nothing in the folder", async () => {
    const first = await runMeanwhile(project, ["deploy", "--yes"], KEY);
    console.log(first.stdout, first.stderr);
    expect([first.code, first.stderr]).toEqual([0, ""]);
    console.log(await bucket.list(""), await bucket.list("backups/staging-cluster"));
    const again = await runMeanwhile(project, ["diff"], KEY);
    expect([again.code, again.stderr]).toEqual([0, ""]);
    console.log(project.files().filter(f=>/\/state\//.test(f)));
  });
});
