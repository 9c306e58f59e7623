import { createSocket, type Socket } from "node:dgram";
import type { AddressInfo } from "node:net";

const NS = 2;
const NAME_ERROR = 3;

/** A name server on loopback that knows the name servers of some domains (RFC 1035). */
export class NameServer {
  private constructor(
    private readonly socket: Socket,
    readonly address: string,
  ) {}

  /** @param zones the name servers of a domain, or the code of the answer (RFC 1035: 2 SERVFAIL, 5 REFUSED); others don't exist */
  static async start(zones: Readonly<Record<string, readonly string[] | number>>): Promise<NameServer> {
    const socket = createSocket("udp4");
    await new Promise<void>((resolve) => socket.bind(0, "127.0.0.1", resolve));
    socket.on("message", (query, { port, address }) => {
      const { name, end } = question(query);
      const known = zones[name] ?? NAME_ERROR;
      const [servers, code] = typeof known === "number" ? [[], known] : [known, 0];
      const header = Buffer.alloc(12);
      query.copy(header, 0, 0, 2);
      header.writeUInt16BE(0x8180 | code, 2);
      header.writeUInt16BE(1, 4);
      header.writeUInt16BE(servers.length, 6);
      const answers = servers.map((server) => {
        const data = encoded(server);
        // The name is the question's, which begins at byte 12.
        const record = Buffer.from([
          0xc0,
          12,
          0,
          NS,
          0,
          1,
          0,
          0,
          0,
          60,
          data.length >> 8,
          data.length & 0xff,
        ]);
        return Buffer.concat([record, data]);
      });
      socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), port, address);
    });
    return new NameServer(socket, `127.0.0.1:${(socket.address() as AddressInfo).port}`);
  }

  async stop(): Promise<void> {
    await new Promise<void>((resolve) => this.socket.close(resolve));
  }
}

function question(query: Buffer): { readonly name: string; readonly end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length));
    at += 1 + length;
  }
  // The empty label, the type and the class.
  return { name: labels.join(".").toLowerCase(), end: at + 5 };
}

function encoded(name: string): Buffer {
  const labels = name.split(".").map((label) => Buffer.from(`${String.fromCharCode(label.length)}${label}`));
  return Buffer.concat([...labels, Buffer.from([0])]);
}
