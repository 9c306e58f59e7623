import http from "node:http";
import https from "node:https";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import { type HttpProxy, proxyHeaders, refusedByProxy, unreachableProxy } from "./proxy";

type Done = (error: Error | null, stream: Duplex) => void;

/** Reaches https servers through a tunnel (CONNECT, RFC 9110, 9.3.6). Its errors are ProxyErrors. */
export class TunnelAgent extends https.Agent {
  constructor(private readonly proxy: HttpProxy) {
    super();
  }

  /** Node calls this for a new connection; it answers later. */
  createConnection(options: tls.ConnectionOptions & { readonly agent?: unknown }, done: Done): void {
    const { hostname, port, protocol } = this.proxy.address;
    const host = options.host?.includes(":") ? `[${options.host}]` : options.host;
    const target = `${host}:${options.port ?? 443}`;
    const fail = (error: Error): void => done(error, undefined as never);
    const request = (protocol === "https:" ? https : http).request({
      host: hostname.replace(/^\[|\]$/g, ""),
      port: port || (protocol === "https:" ? 443 : 80),
      method: "CONNECT",
      path: target,
      headers: { host: target, ...proxyHeaders(this.proxy) },
      agent: false,
    });
    request
      .once("error", (error) => fail(unreachableProxy(this.proxy, error)))
      .once("connect", ({ statusCode = 0 }, socket) => {
        if (statusCode >= 200 && statusCode < 300) {
          done(null, tls.connect({ ...options, socket }));
          return;
        }
        socket.destroy();
        fail(refusedByProxy(this.proxy, statusCode));
      })
      // A proxy that answers as if it was asked for something else.
      .once("response", ({ statusCode = 0 }) => {
        request.destroy();
        fail(refusedByProxy(this.proxy, statusCode));
      })
      .setTimeout(CONNECT_TIMEOUT_MS, () => request.destroy(new Error("no answer in time")))
      .end();
  }
}

const CONNECT_TIMEOUT_MS = 10_000;
