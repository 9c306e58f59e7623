import { BlockList, isIP } from "node:net";

type Environment = Readonly<Record<string, string | undefined>>;

/** A proxy that requests go through. */
export interface HttpProxy {
  readonly address: URL;
  /** The variable that names it. */
  readonly variable: string;
  /** Its address as people may read it: without user and password. */
  readonly shown: string;
}

/** Thrown when a proxy keeps a request from its server. */
export class ProxyError extends Error {
  constructor(
    message: string,
    /** What to do about it. */
    readonly advice: string,
  ) {
    super(message);
    this.name = "ProxyError";
  }
}

/** By the scheme of a request; the first one that is set counts. Go's order, and curl's ALL_PROXY behind it. */
const VARIABLES: Readonly<Record<string, readonly string[]>> = {
  "https:": ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"],
  "http:": ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"],
};

/** The names of all variables that say something about proxies. */
export const PROXY_VARIABLES = [...new Set(Object.values(VARIABLES).flat()), "NO_PROXY", "no_proxy"];

/**
 * The proxy for an address, as Go's net/http (terraform and its providers) chooses it; undefined for a direct connection. This machine
 * itself is never reached through a proxy.
 * @throws ProxyError for a variable that names no HTTP proxy
 */
export function proxyFor(url: string, environment: Environment = process.env): HttpProxy | undefined {
  if (!URL.canParse(url)) return undefined;
  const { protocol, hostname, port } = new URL(url);
  const variable = (VARIABLES[protocol] ?? []).find((name) => isMeant(name, environment[name]));
  if (variable === undefined || isExcepted({ hostname, port: port || defaultPort(protocol) }, environment))
    return undefined;
  return { ...parseProxy(environment[variable] as string, variable), variable };
}

/** Terraform ignores ALL_PROXY, so that a SOCKS proxy there is meant for other programs. */
const isMeant = (name: string, value = ""): boolean =>
  value !== "" && !(/^all_proxy$/i.test(name) && /^socks/i.test(value));

function parseProxy(value: string, variable: string): Pick<HttpProxy, "address" | "shown"> {
  const text = /^[a-z][a-z0-9+.-]*:\/\//i.test(value) ? value : `http://${value}`;
  const address = URL.canParse(text) ? new URL(text) : undefined;
  if (address === undefined || address.hostname === "" || !hasPlainEscapes(address))
    throw new ProxyError(
      `${variable} is not the address of a proxy`,
      "Write it as http://host:port, or unset it.",
    );
  const shown = `${address.protocol}//${address.host}`;
  if (address.protocol !== "http:" && address.protocol !== "https:")
    throw new ProxyError(
      `${variable} names the proxy ${shown}, and only http:// and https:// proxies are supported`,
      "Set HTTPS_PROXY and HTTP_PROXY to such a proxy, or name the host in NO_PROXY.",
    );
  return { address, shown };
}

/** Whether user and password can be read: `%zz` is no escape. */
function hasPlainEscapes({ username, password }: URL): boolean {
  try {
    return decodeURIComponent(username + password) !== undefined;
  } catch {
    return false;
  }
}

const defaultPort = (protocol: string): string => (protocol === "https:" ? "443" : "80");

interface Host {
  /** As URL writes it: an IPv6 address in brackets. */
  readonly hostname: string;
  readonly port: string;
}

/** Whether a host is reached without a proxy: this machine, and what NO_PROXY lists. */
function isExcepted({ hostname, port }: Host, environment: Environment): boolean {
  const host = hostname.replace(/^\[|\]$/g, "").replace(/\.$/, "");
  if (host === "localhost" || LOOPBACK.check(host, familyOf(host))) return true;
  const list = environment.NO_PROXY || environment.no_proxy || "";
  return list.split(/[\s,]+/).some((entry) => entry !== "" && matches(entry.toLowerCase(), host, port));
}

const LOOPBACK = new BlockList();
LOOPBACK.addSubnet("127.0.0.0", 8);
LOOPBACK.addAddress("::1", "ipv6");

const familyOf = (host: string): "ipv4" | "ipv6" => (isIP(host) === 6 ? "ipv6" : "ipv4");

/** One entry of NO_PROXY: `*`, an address, a range, a domain with what is below it, `.domain` for only that, each but a range with a port. */
function matches(entry: string, host: string, port: string): boolean {
  if (entry === "*") return true;
  const range = /^(.+)\/(\d{1,3})$/.exec(entry);
  if (range !== null) return isIP(host) !== 0 && inRange(range[1] as string, Number(range[2]), host);
  const { bare = entry, port: wantedPort } =
    /^(?<bare>\[[^\]]+\]|[^:]+):(?<port>\d+)$/.exec(entry)?.groups ?? {};
  if (wantedPort !== undefined && wantedPort !== port) return false;
  const name = bare.replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
  if (isIP(name) !== 0 || isIP(host) !== 0) return sameAddress(name, host);
  return name.startsWith(".") ? host.endsWith(name) : host === name || host.endsWith(`.${name}`);
}

function inRange(network: string, prefix: number, host: string): boolean {
  if (isIP(network) === 0 || familyOf(network) !== familyOf(host)) return false;
  if (prefix > (isIP(network) === 6 ? 128 : 32)) return false;
  const list = new BlockList();
  list.addSubnet(network, prefix, familyOf(network));
  return list.check(host, familyOf(host));
}

function sameAddress(one: string, other: string): boolean {
  return isIP(one) !== 0 && isIP(one) === isIP(other) && inRange(one, isIP(one) === 6 ? 128 : 32, other);
}

/** What a request to a proxy needs beside its own headers: user and password, where the proxy's address has them. */
export function proxyHeaders({ address: { username, password } }: HttpProxy): Record<string, string> {
  if (username === "" && password === "") return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { "proxy-authorization": `Basic ${Buffer.from(credentials).toString("base64")}` };
}

/** What a proxy that refuses to connect has answered. */
export function refusedByProxy({ shown, variable }: HttpProxy, status: number): ProxyError {
  return status === 407
    ? new ProxyError(
        `the proxy ${shown} (${variable}) wants a user and a password, or refuses those that it was given (407)`,
        `Write them into ${variable}: http://user:password@host:port, with %-escapes for special characters.`,
      )
    : new ProxyError(
        `the proxy ${shown} (${variable}) answers ${status} instead of connecting`,
        "Ask whoever runs it to allow the host, or name the host in NO_PROXY.",
      );
}

/** A proxy that can't be asked. */
export function unreachableProxy({ shown, variable }: HttpProxy, error: Error): ProxyError {
  if (error instanceof ProxyError) return error;
  const reason = error.message || (error as NodeJS.ErrnoException).code || String(error);
  return new ProxyError(
    `the proxy ${shown} (${variable}) can't be reached: ${reason}`,
    `Correct or unset ${variable}, or name the host in NO_PROXY.`,
  );
}
