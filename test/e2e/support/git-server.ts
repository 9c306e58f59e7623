import { execFileSync, spawn } from "node:child_process";
import { createServer, type Server } from "node:http";
import path from "node:path";

/** A bare Git repository, served over HTTP on loopback as Flux reads it. */
export interface GitServer {
  readonly url: string;
  /** Folder of the bare repository. */
  readonly repository: string;
  /** Takes the server away; its address stays reserved for {@link resume}. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  close(): Promise<void>;
}

/** Serves `<root>/<name>.git`, which is created. */
export async function startGitServer(root: string, name: string): Promise<GitServer> {
  const repository = path.join(root, `${name}.git`);
  execFileSync("git", ["init", "--quiet", "--bare", "--initial-branch=main", repository]);
  let server = gitServer(root);
  await listen(server, 0);
  const { port } = server.address() as { port: number };
  const stop = (): Promise<void> =>
    new Promise((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  return {
    url: `http://127.0.0.1:${port}/${name}.git`,
    repository,
    pause: stop,
    resume: async () => {
      server = gitServer(root);
      await listen(server, port);
    },
    close: stop,
  };
}

/** Commits everything in a checkout and pushes it to the branch that Flux reads. */
export function commitAndPush(checkout: string, { repository }: GitServer, message: string): void {
  const git = (...parameters: string[]): unknown =>
    execFileSync("git", parameters, { cwd: checkout, stdio: "pipe" });
  const author = ["-c", "user.name=Tests", "-c", "user.email=tests@localhost"];
  git("add", "--all");
  git(...author, "commit", "--quiet", "--allow-empty", `--message=${message}`);
  git("push", "--quiet", repository, "HEAD:main");
}

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });

/** `git http-backend` behind the smallest CGI server that it needs. */
function gitServer(root: string): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://127.0.0.1");
    const backend = spawn("git", ["http-backend"], {
      env: {
        PATH: process.env.PATH,
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "safe.directory",
        GIT_CONFIG_VALUE_0: "*",
        PATH_INFO: url.pathname,
        QUERY_STRING: url.search.slice(1),
        REQUEST_METHOD: request.method,
        CONTENT_TYPE: request.headers["content-type"],
        HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
        GIT_PROTOCOL: request.headers["git-protocol"] as string | undefined,
        REMOTE_ADDR: "127.0.0.1",
      },
      stdio: ["pipe", "pipe", "inherit"],
    });
    request.pipe(backend.stdin);
    backend.stdin.on("error", () => undefined);
    const parts: Buffer[] = [];
    backend.stdout.on("data", (part: Buffer) => parts.push(part));
    backend.once("error", () => response.writeHead(500).end());
    backend.once("close", () => {
      const answer = Buffer.concat(parts);
      const end = answer.indexOf("\r\n\r\n");
      if (end < 0) {
        response.writeHead(500).end();
        return;
      }
      const headers = answer
        .subarray(0, end)
        .toString("latin1")
        .split("\r\n")
        .map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
      const status = Number(
        headers.find(([name]) => name.toLowerCase() === "status")?.[1].slice(0, 3) ?? 200,
      );
      response.writeHead(
        status,
        Object.fromEntries(headers.filter(([name]) => name.toLowerCase() !== "status")),
      );
      response.end(answer.subarray(end + 4));
    });
  });
}
