import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { Bucket, loadS3 } from "../../src/state/spaces/bucket";
import { S3Proxy } from "../support/s3-proxy";
import { describeWithS3, ROOT_KEY, S3Server } from "../support/s3-server";
import { SandboxProject } from "../support/sandbox-project";
import { placeAt, runMeanwhile, stateAt } from "../support/spaces-account";
import { injected } from "./support/injected";

const BUCKET = "acme-state";
const KEY = { AWS_ACCESS_KEY_ID: ROOT_KEY.id, AWS_SECRET_ACCESS_KEY: ROOT_KEY.secret };
const CLUSTER = "staging-cluster.tfstate";

const resourcesIn = (state: string): string[] =>
  JSON.parse(state).resources.flatMap(({ mode, type, instances }: any) =>
    mode === "managed" ? instances.map(({ attributes }: any) => `${type} ${attributes.id}`) : [],
  );

describeWithS3("states in a bucket", () => {
  let server: S3Server;
  let proxy: S3Proxy;
  let bucket: Bucket;
  let project: SandboxProject;
  const inSandbox = (): SandboxProject =>
    new SandboxProject((document) => {
      document.environments = document.environments.slice(0, 1);
      delete document.github;
      document.state = stateAt(proxy, BUCKET);
    });
  const run = (...words: string[]) => runMeanwhile(project, words, KEY);
  const deploy = (...words: string[]) => run("deploy", "--yes", ...words);
  const resize = (nodeSize: string, ...projects: SandboxProject[]): void => {
    for (const one of projects)
      one.configure((document) => {
        document.environments[0].cluster.nodeSize = nodeSize;
      });
  };
  /** What the cloud has of the cluster's stack is in its state, and the other way round: nothing was lost or made twice. */
  const isWhole = (): void => {
    const cloud = project.json("clouds", "digitalocean.json");
    const state = resourcesIn(server.object(BUCKET, CLUSTER) ?? "{}");
    // The system pool is part of the cluster's resource.
    const inCloud = (type: string) =>
      Object.entries<any>(cloud[type] ?? {}).filter(([, { name }]) => name !== "system");
    for (const type of [
      "digitalocean_kubernetes_cluster",
      "digitalocean_vpc",
      "digitalocean_kubernetes_node_pool",
    ])
      expect([type, state.filter((one) => one.startsWith(`${type} `))]).toEqual([
        type,
        inCloud(type).map(([id]) => `${type} ${id}`),
      ]);
  };
  const locks = (): string[] => server.objects(BUCKET).filter((name) => name.endsWith(".tflock"));

  beforeAll(async () => {
    server = await S3Server.start();
    proxy = await S3Proxy.start(server.endpoint);
    bucket = await Bucket.open(placeAt(server, BUCKET), ROOT_KEY);
    const { CreateBucketCommand } = await loadS3();
    await bucket.client.send(new CreateBucketCommand({ Bucket: BUCKET }));
    project = inSandbox();
  });
  afterEach(() => proxy.judgeBy(() => "pass"));
  afterAll(async () => {
    project.remove();
    await proxy.close();
    await server.remove();
  });

  test("a whole deploy keeps them there, with backups beside them, and none in the folder", async () => {
    const first = await deploy();
    expect([first.code, first.stderr]).toEqual([0, ""]);
    expect(await bucket.list("")).toEqual({
      files: [CLUSTER, "staging-flux-configuration.tfstate"],
      folders: ["backups"],
    });
    expect((await bucket.list("backups/staging-cluster")).files).toHaveLength(1);
    expect(
      project.files().filter((file) => file.includes(".tfstate") && !file.includes("cdktf.out")),
    ).toEqual([]);
    const again = await run("diff");
    expect([again.code, again.stderr]).toEqual([0, ""]);
    const check = await run("state", "check");
    expect([check.code, check.stderr]).toEqual([0, ""]);
    isWhole();
  });

  test("a connection that is cut off while the state is written loses nothing", async () => {
    resize("s-4vcpu-8gb", project);
    let cut = 0;
    proxy.judgeBy(({ method, url }) => {
      if (method !== "PUT" || (!url.includes(`/${CLUSTER}?`) && !url.endsWith(`/${CLUSTER}`))) return "pass";
      cut += 1;
      return "cut";
    });
    const struck = await deploy();
    expect(struck.code).toBe(1);
    expect(cut).toBeGreaterThan(0);
    expect(struck.stderr).toContain("errored.tfstate");
    expect(project.exists("cdktf.out", "stacks", "staging-cluster", "errored.tfstate")).toBe(true);
    expect(locks()).toEqual([]);
    proxy.judgeBy(() => "pass");
    const next = await deploy();
    expect([
      next.code,
      next.stdout.includes("errored.tfstate") || /taken in|could not write/i.test(next.stdout),
    ]).toEqual([0, true]);
    isWhole();
    expect((await run("diff")).code).toBe(0);
    injected({
      area: "state",
      fault: "connection cut off",
      point: "the bucket: the write of staging-cluster's state",
    });
  });

  test("a connection that is cut off while states are read stops before anything is touched", async () => {
    resize("s-2vcpu-4gb", project);
    const before = project.read("clouds", "digitalocean.json");
    proxy.judgeBy(({ method, url }) => (method === "GET" && url.includes(`/${CLUSTER}`) ? "cut" : "pass"));
    const struck = await deploy();
    expect(struck.code).toBe(1);
    expect(struck.stderr).toMatch(
      /staging-cluster\.tfstate can't be read: the connection was cut off\. Try again\./,
    );
    expect(project.read("clouds", "digitalocean.json")).toBe(before);
    proxy.judgeBy(() => "pass");
    expect((await deploy("--allow", "storage-shrink")).code).toBe(0);
    isWhole();
    injected({
      area: "state",
      fault: "connection cut off",
      point: "the bucket: the read of staging-cluster's state",
    });
  });

  test("a store that is down, a wrong key and a bucket of somebody else's are told, and nothing is touched", async () => {
    const before = project.read("clouds", "digitalocean.json");
    const somebody = { id: "SOMEBODY", secret: "somebody's" };
    await server.addAccount(somebody, "user");
    const wrong = await runMeanwhile(project, ["deploy", "--yes"], {
      ...KEY,
      AWS_SECRET_ACCESS_KEY: "wrong",
    });
    expect([wrong.code, wrong.stderr]).toEqual([
      1,
      expect.stringContaining("SPACES_SECRET_ACCESS_KEY doesn't belong to SPACES_ACCESS_KEY_ID"),
    ]);
    const foreign = await runMeanwhile(project, ["deploy", "--yes"], {
      AWS_ACCESS_KEY_ID: somebody.id,
      AWS_SECRET_ACCESS_KEY: somebody.secret,
    });
    expect([foreign.code, foreign.stderr]).toEqual([
      1,
      expect.stringContaining("the bucket belongs to another account"),
    ]);
    await server.stop();
    const down = await deploy();
    await server.restart();
    expect([down.code, down.stderr]).toEqual([1, expect.stringContaining(`bucket ${BUCKET} at `)]);
    expect(project.read("clouds", "digitalocean.json")).toBe(before);
    expect((await run("diff")).code).toBe(0);
    for (const point of ["a wrong key", "a bucket of somebody else's", "the store is down"])
      injected({ area: "state", fault: "bucket refuses", point: `the bucket: ${point}` });
  });

  test("a lock that a killed deploy has left is told with its owner, and removed by its id only", async () => {
    resize("s-4vcpu-8gb", project);
    const killed = run("deploy", "--yes", "--stack", "staging-cluster");
    // It has the lock and waits for the state: nothing is made yet.
    const reached = new Promise<void>((resolve) => {
      proxy.judgeBy(({ method, url }) => {
        if (method !== "GET" || !url.includes(`/${CLUSTER}`) || locks().length === 0) return "pass";
        resolve();
        return new Promise(() => undefined);
      });
    });
    await reached;
    const terraforms = childrenOf(killed.pid ?? 0);
    expect(terraforms.length).toBeGreaterThan(0);
    for (const pid of [killed.pid ?? 0, ...terraforms]) process.kill(pid, "SIGKILL");
    await killed;
    proxy.judgeBy(() => "pass");
    expect(locks()).toEqual([`${CLUSTER}.tflock`]);
    const { ID, Who } = JSON.parse(server.object(BUCKET, `${CLUSTER}.tflock`) ?? "{}");
    const refused = await deploy("--stack", "staging-cluster");
    expect(refused.code).toBe(1);
    expect(refused.stderr).toContain(`${Who} works on this state since `);
    expect(refused.stderr).toContain(
      `npm run state -- unlock --sandbox ${project.name} --stack staging-cluster --id ${ID}`,
    );
    const other = await run("state", "unlock", "--stack", "staging-cluster", "--id", "another", "--yes");
    expect([other.code, locks()]).toEqual([1, [`${CLUSTER}.tflock`]]);
    const unlocked = await run("state", "unlock", "--stack", "staging-cluster", "--id", ID, "--yes");
    expect([unlocked.code, locks()]).toEqual([0, []]);
    injected({
      area: "state",
      fault: "killed",
      point: "the bucket: while staging-cluster's state is written",
    });
  });

  test("two machines that deploy at once: one works, the other waits or is refused, and nothing is made twice", async () => {
    const other = inSandbox();
    try {
      mkdirSync(other.directory, { recursive: true });
      symlinkSync(join(project.directory, "clouds"), join(other.directory, "clouds"));
      resize("s-4vcpu-8gb", project, other);
      const both = await Promise.all([deploy(), runMeanwhile(other, ["deploy", "--yes"], KEY)]);
      for (const { code, stderr } of both)
        expect([code, code === 0 ? "" : stderr]).toEqual([
          code,
          code === 0 ? "" : expect.stringMatching(/works on this state|stale|already exist|locked/i),
        ]);
      const after = await deploy();
      expect([after.code, after.stderr]).toEqual([0, ""]);
      expect((await run("diff")).code).toBe(0);
      expect(locks()).toEqual([]);
      isWhole();
    } finally {
      other.remove();
    }
    injected({ area: "state", fault: "two deploys at once", point: "the bucket: from two machines" });
  });
});

/** The processes that a process has started. */
function childrenOf(pid: number): number[] {
  const list = execFileSync("ps", ["-eo", "pid=,ppid=,comm="], { encoding: "utf8" });
  return list
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/))
    .filter(([, parent, command]) => Number(parent) === pid && command === "terraform")
    .map(([child]) => Number(child));
}
