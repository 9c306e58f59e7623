import { type ChildProcess, execFile, spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { s3Server } from "../../scripts/tools/s3-server";
import type { BucketKey } from "../../src/state/spaces/bucket";
import { describeRequiring } from "./requirements";

const run = promisify(execFile);

/** `describe` of tests on a real S3 server (`npm run tools -- s3` builds it). */
export function describeWithS3(name: string, tests: () => void): void {
  describeRequiring(existsSync(s3Server()) ? [] : ["versitygw"], name, tests);
}

/** Who may do anything on a server of these tests. */
export const ROOT_KEY: BucketKey = { id: "ROOT00KEY", secret: "root-secret-of-the-tests" };

const START_LIMIT_MS = 10_000;

/**
 * versitygw on a free port of the loopback interface, with its objects, their versions and its accounts in a temporary folder. It has
 * versioning, conditional writes, access control lists and bucket policies, and no lifecycle rules.
 */
export class S3Server {
  readonly folder = mkdtempSync(join(tmpdir(), "hybrid-gitops-s3-"));
  private process: ChildProcess | undefined;
  private port = 0;

  private constructor(private readonly versions: boolean) {}

  /**
   * @param versions whether buckets can keep versions. In a bucket that does, this server refuses `If-None-Match: *` for a name that was
   * removed, so that Terraform's lock file works without versions only.
   */
  static async start({ versions = false } = {}): Promise<S3Server> {
    if (!existsSync(s3Server())) throw new Error('versitygw is missing: "npm run tools -- s3" builds it');
    const server = new S3Server(versions);
    server.port = await freePort();
    await server.restart();
    return server;
  }

  /** `http://127.0.0.1:<port>` */
  get endpoint(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts the server again after stop(), on its port and with its objects. */
  async restart(): Promise<void> {
    for (const name of ["objects", "versions", "accounts"])
      mkdirSync(join(this.folder, name), { recursive: true });
    this.process = spawn(
      s3Server(),
      [
        `--port=127.0.0.1:${this.port}`,
        `--access=${ROOT_KEY.id}`,
        `--secret=${ROOT_KEY.secret}`,
        `--iam-dir=${join(this.folder, "accounts")}`,
        "--iam-cache-disable",
        "--quiet",
        "posix",
        ...(this.versions ? [`--versioning-dir=${join(this.folder, "versions")}`] : []),
        join(this.folder, "objects"),
      ],
      { stdio: "ignore" },
    );
    const limit = Date.now() + START_LIMIT_MS;
    for (;;) {
      const answers = await fetch(this.endpoint).then(
        () => true,
        () => false,
      );
      if (answers) return;
      if (Date.now() > limit || this.process.exitCode !== null)
        throw new Error(`versitygw doesn't answer at ${this.endpoint}`);
      await new Promise((proceed) => setTimeout(proceed, 50));
    }
  }

  /**
   * Makes an account with a key of its own.
   * @param role `userplus` may make buckets, `user` may use those that it is allowed to
   */
  async addAccount(key: BucketKey, role: "user" | "userplus"): Promise<void> {
    await this.admin("create-user", "--access", key.id, "--secret", key.secret, "--role", role);
  }

  async removeAccount(id: string): Promise<void> {
    await this.admin("delete-user", "--access", id);
  }

  /** Makes somebody else the owner of a bucket. */
  async giveBucket(bucket: string, id: string): Promise<void> {
    await this.admin("change-bucket-owner", "--bucket", bucket, "--owner", id);
  }

  private async admin(...words: string[]): Promise<void> {
    const { id, secret } = ROOT_KEY;
    const common = ["admin", "--access", id, "--secret", secret, "--endpoint-url", this.endpoint];
    await run(s3Server(), [...common, ...words]);
  }

  /** The content of an object as it lies on the disk; undefined when there is none. */
  object(bucket: string, key: string): string | undefined {
    const file = join(this.folder, "objects", bucket, key);
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Puts an object where the server keeps them, quicker than through it. */
  place(bucket: string, key: string, content: string): void {
    const file = join(this.folder, "objects", bucket, key);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, content);
  }

  /** Names of the objects and folders at the top of a bucket. */
  objects(bucket: string): string[] {
    const folder = join(this.folder, "objects", bucket);
    return existsSync(folder)
      ? readdirSync(folder)
          .filter((name) => !name.startsWith("."))
          .sort()
      : [];
  }

  buckets(): string[] {
    // The server keeps files of its own beside them.
    return readdirSync(join(this.folder, "objects")).filter((name) => !name.startsWith("."));
  }

  async stop(): Promise<void> {
    const child = this.process;
    this.process = undefined;
    if (child === undefined || child.exitCode !== null) return;
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
  }

  /** Ends the server and removes everything of it. */
  async remove(): Promise<void> {
    await this.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** A port that nobody listens at. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, "127.0.0.1", resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}
