import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** What becomes of a request: `cut`: the connection breaks before all of it has arrived; an object: that is the answer. */
export type Fate =
  | "pass"
  | "cut"
  | { readonly status: number; readonly headers?: Record<string, string>; readonly body?: string };

/** A request on its way; the body is read only when a judge asks for it. */
export interface PassingRequest {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly headers: IncomingMessage["headers"];
  readonly body: () => Promise<Buffer>;
}

/** What decides about each request. */
export type Judge = (passing: PassingRequest) => Fate | Promise<Fate>;

/** A proxy on the loopback interface in front of an S3 server. It keeps the Host header, which signatures include. */
export class S3Proxy {
  private constructor(
    private readonly server: Server,
    private readonly state: { judge: Judge },
  ) {}

  static async start(target: string, judge: Judge = () => "pass"): Promise<S3Proxy> {
    const state = { judge };
    const server = createServer((incoming, outgoing) => {
      handle(incoming, outgoing, new URL(target), state.judge).catch(() => incoming.socket.destroy());
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new S3Proxy(server, state);
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** What decides from now on. */
  judgeBy(judge: Judge): void {
    this.state.judge = judge;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}

async function handle(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  target: URL,
  judge: Judge,
): Promise<void> {
  let body: Promise<Buffer> | undefined;
  const { method = "GET", url = "/", headers } = incoming;
  const readBody = (): Promise<Buffer> => {
    body ??= collect(incoming);
    return body;
  };
  const fate = await judge({ method, url, headers, body: readBody });
  if (fate === "cut") {
    // Some of it arrives, and then nothing more.
    incoming.once("data", () => incoming.socket.destroy());
    incoming.once("end", () => incoming.socket.destroy());
    return;
  }
  if (typeof fate === "object") {
    await readBody();
    outgoing.writeHead(fate.status, fate.headers).end(fate.body ?? "");
    return;
  }
  const content = await readBody();
  const onward = request(
    { host: target.hostname, port: target.port, method, path: url, headers },
    (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(outgoing);
    },
  );
  onward.once("error", () => incoming.socket.destroy());
  onward.end(content);
}

async function collect(stream: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of stream) parts.push(part as Buffer);
  return Buffer.concat(parts);
}
