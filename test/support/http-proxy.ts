import { createServer, request, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";

/** What came to a proxy. */
export interface Proxied {
  readonly method: string;
  /** `host:port` of a tunnel, or the whole address of a request. */
  readonly target: string;
  readonly authorization: string | undefined;
}

/** A little HTTP proxy on loopback. Whatever host it is asked for, it connects to one port of this machine. */
export class HttpProxyServer {
  readonly seen: Proxied[] = [];
  /** Refuses with this status; 407 wants user and password. */
  refusal: number | undefined;

  private readonly sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    readonly port: number,
  ) {}

  /** @param target the port that everything is forwarded to */
  static async start(target: () => number): Promise<HttpProxyServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const proxy = new HttpProxyServer(server, (server.address() as AddressInfo).port);
    const note = (method = "", address = "", authorization?: string) =>
      proxy.seen.push({ method, target: address, authorization });
    server.on("connection", (socket) => proxy.sockets.add(socket));
    server.on("connect", (call, socket) => {
      note(call.method, call.url, call.headers["proxy-authorization"]);
      if (proxy.refusal) {
        socket.end(`HTTP/1.1 ${proxy.refusal} No\r\nContent-Length: 0\r\n\r\n`);
        return;
      }
      const there = connect(target(), "127.0.0.1", () => {
        socket.write("HTTP/1.1 200 Connection established\r\n\r\n");
        proxy.sockets.add(there);
        there.pipe(socket).pipe(there);
      });
      for (const end of [socket, there]) end.on("error", () => undefined);
    });
    server.on("request", (call, answer) => {
      note(call.method, call.url, call.headers["proxy-authorization"]);
      if (proxy.refusal) {
        answer.writeHead(proxy.refusal).end();
        return;
      }
      const { pathname, search } = new URL(call.url ?? "");
      const options = { host: "127.0.0.1", port: target(), path: pathname + search, headers: call.headers };
      request(options, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers);
        response.pipe(answer);
      })
        .on("error", () => answer.destroy())
        .end();
    });
    return proxy;
  }

  async stop(): Promise<void> {
    // Tunnels are no connections of the server any more.
    for (const socket of this.sockets) socket.destroy();
    await new Promise((resolve) => this.server.close(resolve));
  }
}
