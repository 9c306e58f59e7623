import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Bucket, loadS3 } from "../../src/state/spaces/bucket";
import { REPOSITORY } from "./example";
import { ROOT_KEY, type S3Server } from "./s3-server";
import { type CliResult, plainEnvironment, type SandboxProject } from "./sandbox-project";

/** A key as the sandbox's DigitalOcean keeps it. */
interface CloudKey {
  readonly name: string;
  readonly secret_key?: string;
  readonly grant?: ReadonlyArray<{ readonly bucket?: string; readonly permission: string }>;
}

/** The owner of the account's buckets while no key with full access is there. */
const OWNER = { id: "ACCOUNT", secret: "nobody-signs-with-it" };
const POLL_MS = 100;

/**
 * Does what lies between DigitalOcean and Spaces: makes the keys of a sandbox's DigitalOcean known to an S3 server, some time after they
 * were made, as the real ones take some seconds too. A key with full access may make buckets and owns those of the account; one for a
 * bucket may read, write, delete and list there, and nothing else.
 */
export class SpacesAccount {
  private readonly known = new Map<string, CloudKey>();
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> = Promise.resolve();
  /** Every key there ever was, in the order in which they were made. */
  readonly history: CloudKey[] = [];

  private constructor(
    private readonly server: S3Server,
    private readonly project: SandboxProject,
    private readonly foreign: readonly string[],
  ) {}

  /** @param foreign buckets on the server that belong to somebody else */
  static async open(server: S3Server, project: SandboxProject, foreign: readonly string[] = []) {
    const account = new SpacesAccount(server, project, foreign);
    await server.addAccount(OWNER, "userplus");
    account.poll();
    return account;
  }

  /** The keys that the account has now. */
  keys(): Readonly<Record<string, CloudKey>> {
    const file = join(this.project.directory, "clouds", "digitalocean.json");
    if (!existsSync(file)) return {};
    return JSON.parse(readFileSync(file, "utf8")).digitalocean_spaces_key ?? {};
  }

  async close(): Promise<void> {
    clearTimeout(this.timer);
    this.timer = undefined;
    await this.working;
  }

  private poll(): void {
    this.timer = setTimeout(() => {
      this.working = this.synchronize()
        .catch((error: Error) => {
          process.stderr.write(`the S3 server doesn't take the keys: ${error.message}\n`);
        })
        .finally(() => {
          if (this.timer) this.poll();
        });
    }, POLL_MS);
  }

  /** Brings the server's accounts up to date. */
  private async synchronize(): Promise<void> {
    const keys = this.keys();
    // What is made last owns the buckets.
    for (const id of [...this.known.keys()]) if (!(id in keys)) await this.remove(id);
    for (const [id, key] of Object.entries(keys)) if (!this.known.has(id)) await this.add(id, key);
  }

  private async add(id: string, key: CloudKey): Promise<void> {
    const full = key.grant?.some(({ permission }) => permission === "fullaccess") ?? false;
    await this.server.addAccount({ id, secret: key.secret_key ?? "" }, full ? "userplus" : "user");
    this.known.set(id, key);
    this.history.push(key);
    if (full) await this.giveBuckets(id);
    else for (const { bucket = "" } of key.grant ?? []) await this.admit(bucket);
  }

  private async remove(id: string): Promise<void> {
    this.known.delete(id);
    await this.giveBuckets(OWNER.id);
    await this.server.removeAccount(id);
  }

  private async giveBuckets(id: string): Promise<void> {
    for (const bucket of this.server.buckets().filter((name) => !this.foreign.includes(name))) {
      await this.server.giveBucket(bucket, id);
      // With its owner a bucket loses its policy.
      await this.admit(bucket);
    }
  }

  /** Lets the keys for a bucket in. */
  private async admit(bucket: string): Promise<void> {
    const ids = [...this.known].flatMap(([id, { grant }]) =>
      grant?.some((one) => one.bucket === bucket) ? [id] : [],
    );
    if (ids.length === 0) return;
    const full = [...this.known].flatMap(([id, { grant }]) =>
      grant?.some(({ permission }) => permission === "fullaccess") ? [id] : [],
    );
    const allow = (actions: string[], resource: string, who = ids) => ({
      Effect: "Allow",
      Principal: { AWS: who },
      Action: actions,
      Resource: `arn:aws:s3:::${resource}`,
    });
    const { PutBucketPolicyCommand } = await loadS3();
    const { client } = await Bucket.open(placeAt(this.server, bucket), ROOT_KEY);
    await client.send(
      new PutBucketPolicyCommand({
        Bucket: bucket,
        Policy: JSON.stringify({
          Version: "2012-10-17",
          Statement: [
            allow(["s3:GetObject", "s3:PutObject", "s3:DeleteObject"], `${bucket}/*`),
            allow(["s3:ListBucket"], bucket),
            // Where there is a policy, this server asks nobody else, not even the owner.
            ...(full.length > 0 ? [allow(["s3:*"], bucket, full), allow(["s3:*"], `${bucket}/*`, full)] : []),
          ],
        }),
      }),
    );
  }
}

/** A bucket on a server of these tests, as the configuration has it. */
export function placeAt({ endpoint }: Pick<S3Server, "endpoint">, bucket: string) {
  return { bucket, region: "fra1", endpoint, ownEndpoint: true } as const;
}

/** The `state` of a configuration whose bucket is on a server of these tests. */
export function stateAt({ endpoint }: Pick<S3Server, "endpoint">, bucket: string) {
  return { backend: "spaces", bucket, region: "fra1", endpoint };
}

/** Runs a command in a sandbox while this process goes on, so that it can serve what the command talks to. */
export function runMeanwhile(
  project: SandboxProject,
  words: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<CliResult> & { readonly pid: number | undefined } {
  const [command = "", ...others] = words;
  const verbs = command === "state" ? others.splice(0, 1) : [];
  const child = spawn(
    process.execPath,
    ["scripts/hybrid-gitops.mjs", command, ...verbs, "--sandbox", project.name, ...others],
    { cwd: REPOSITORY, env: { ...plainEnvironment(), ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const texts = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const)
    child[name].setEncoding("utf8").on("data", (text: string) => {
      texts[name] += text;
    });
  const ended = new Promise<CliResult>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve({ code, ...texts }));
  });
  return Object.assign(ended, { pid: child.pid });
}
