import { createServer, type Server } from "node:http";
import { createServer as createSecureServer } from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { loopbackIdentity } from "../../sandbox/api/certificate";
import { type ApiUnavailable, callApi, PROXY_VARIABLES, proxyFor } from "../../src/api-client";
import { Bucket } from "../../src/state/spaces/bucket";
import { HttpProxyServer } from "../support/http-proxy";

const TOKEN = "dop_v1_3c1f0e_sentinel";
const LISTING = `<?xml version="1.0"?><ListBucketResult><Name>acme</Name><KeyCount>1</KeyCount><IsTruncated>false</IsTruncated><Contents><Key>staging.tfstate</Key></Contents></ListBucketResult>`;

const hosts: string[] = [];
let secure: Server;
let plain: Server;
let proxy: HttpProxyServer;
let target: number;
const portOf = (server: Server): number => (server.address() as AddressInfo).port;

beforeAll(async () => {
  const answer: Parameters<typeof createServer>[1] = (request, response) => {
    hosts.push(`${request.headers.host} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    response.end(request.headers.host?.includes("digitaloceanspaces") ? LISTING : "hello");
  };
  const { certificate, key } = await loopbackIdentity();
  secure = createSecureServer({ cert: certificate, key }, answer);
  plain = createServer(answer);
  for (const server of [secure, plain])
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  proxy = await HttpProxyServer.start(() => target);
  // The server's certificate is for this machine: everything else of the connection is as it is.
  const { connect } = tls;
  jest
    .spyOn(tls, "connect")
    .mockImplementation(((options: tls.ConnectionOptions, ...more: []) =>
      connect({ ...options, ca: certificate, checkServerIdentity: () => undefined }, ...more)) as never);
});
afterAll(async () => {
  jest.restoreAllMocks();
  await proxy.stop();
  for (const server of [secure, plain]) {
    server.closeAllConnections();
    server.close();
  }
});
beforeEach(() => {
  for (const name of PROXY_VARIABLES) delete process.env[name];
  for (const list of [hosts, proxy.seen]) list.length = 0;
  proxy.refusal = undefined;
  target = portOf(secure);
});
afterAll(() => {
  for (const name of PROXY_VARIABLES) delete process.env[name];
});

const URL_OF_API = "https://api.example.com/v2/account";
const call = (url = URL_OF_API) => callApi({ service: "DigitalOcean", url, token: TOKEN });
const failure = async (url?: string): Promise<ApiUnavailable> =>
  (await call(url).catch((error: Error) => error)) as ApiUnavailable;

test.each(["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])(
  "a call goes through the tunnel of %s, with its user and password, which only the proxy sees",
  async (variable) => {
    process.env[variable] = `http://me:p%40ss@127.0.0.1:${proxy.port}`;
    expect(await call()).toMatchObject({ status: 200, body: "hello" });
    const authorization = `Basic ${Buffer.from("me:p@ss").toString("base64")}`;
    expect(proxy.seen).toEqual([{ method: "CONNECT", target: "api.example.com:443", authorization }]);
    expect(hosts).toEqual(["api.example.com"]);
  },
);

test.each(["HTTP_PROXY", "http_proxy", "ALL_PROXY"])(
  "a call over plain http is handed to the proxy of %s",
  async (variable) => {
    target = portOf(plain);
    process.env[variable] = `127.0.0.1:${proxy.port}`;
    expect(await call("http://api.example.com/v2/account")).toMatchObject({ status: 200, body: "hello" });
    expect(proxy.seen).toMatchObject([{ method: "GET", target: "http://api.example.com/v2/account" }]);
    proxy.refusal = 407;
    expect((await failure("http://api.example.com/v2/account")).message).toContain("(407)");
  },
);

test("this machine is reached without a proxy", async () => {
  for (const name of ["HTTPS_PROXY", "HTTP_PROXY"]) process.env[name] = `http://127.0.0.1:${proxy.port}`;
  expect((await call(`http://127.0.0.1:${portOf(plain)}/`)).status).toBe(200);
  expect((await call(`http://localhost:${portOf(plain)}/`)).status).toBe(200);
  expect(proxy.seen).toEqual([]);
});

test("a proxy that wants a password, refuses a host or isn't there is named without its own password", async () => {
  const address = `127.0.0.1:${proxy.port}`;
  process.env.HTTPS_PROXY = `http://me:hidden@${address}`;
  proxy.refusal = 407;
  expect((await failure()).message).toBe(
    `DigitalOcean can't be reached (${URL_OF_API}): the proxy http://${address} (HTTPS_PROXY) wants a user and a password, or refuses those that it was given (407). Write them into HTTPS_PROXY: http://user:password@host:port, with %-escapes for special characters.`,
  );
  proxy.refusal = 403;
  expect((await failure()).message).toContain(
    `the proxy http://${address} (HTTPS_PROXY) answers 403 instead of connecting. Ask whoever runs it to allow the host`,
  );
  process.env.HTTPS_PROXY = "http://me:hidden@127.0.0.1:9";
  const { message } = await failure();
  expect(message).toMatch(
    /the proxy http:\/\/127\.0\.0\.1:9 \(HTTPS_PROXY\) can't be reached: .*ECONNREFUSED.*\. Correct or unset HTTPS_PROXY/,
  );
  expect(message).not.toContain("hidden");
  expect(hosts).toEqual([]);
});

test("the bucket of the states is reached through the proxy, and its refusals are told", async () => {
  process.env.HTTPS_PROXY = `http://127.0.0.1:${proxy.port}`;
  const place = {
    bucket: "acme",
    region: "nyc3",
    endpoint: "https://nyc3.digitaloceanspaces.com",
    ownEndpoint: false,
  };
  const open = () => Bucket.open(place, { id: "id", secret: "secret" }, { attempts: 1 });
  expect(await (await open()).list("")).toEqual({ files: ["staging.tfstate"], folders: [] });
  expect(proxy.seen.map((one) => one.target)).toEqual(["acme.nyc3.digitaloceanspaces.com:443"]);
  proxy.refusal = 407;
  await expect((await open()).list("")).rejects.toThrow(
    /^bucket acme in nyc3: its content can't be listed: the proxy http:\/\/127\.0\.0\.1:\d+ \(HTTPS_PROXY\) wants a user and a password/,
  );
  process.env.NO_PROXY = "digitaloceanspaces.com";
  proxy.seen.length = 0;
  await (await open()).list("").catch(() => undefined);
  expect(proxy.seen).toEqual([]);
});

test.each<[string, string, boolean]>([
  ["", "https://api.example.com", true],
  ["*", "https://api.example.com", false],
  ["example.com", "https://api.example.com", false],
  ["example.com", "https://example.com", false],
  ["example.com", "https://notexample.com", true],
  [".example.com", "https://api.example.com", false],
  [".example.com", "https://example.com", true],
  ["*.example.com", "https://api.example.com", false],
  ["EXAMPLE.com", "https://Api.Example.COM", false],
  ["example.com:443", "https://api.example.com", false],
  ["example.com:8443", "https://api.example.com", true],
  ["example.com:8443", "https://api.example.com:8443", false],
  ["a.test, example.com", "https://api.example.com", false],
  ["a.test example.com", "https://api.example.com", false],
  ["10.0.0.0/8", "https://10.1.2.3", false],
  ["10.0.0.0/8", "https://11.1.2.3", true],
  ["10.0.0.0/8", "https://ten.example.com", true],
  ["10.1.2.3", "https://10.1.2.3", false],
  ["10.1.2.3:443", "https://10.1.2.3", false],
  ["10.1.2.3:80", "https://10.1.2.3", true],
  ["fd00::/8", "https://[fd00::1]", false],
  ["[fd00::1]:443", "https://[fd00::1]", false],
  ["fd00:0::1", "https://[fd00::1]", false],
  ["10.0.0.0/99", "https://10.1.2.3", true],
  ["", "https://127.1.2.3", false],
  ["", "https://[::1]", false],
  ["", "https://localhost", false],
])("NO_PROXY=%j, %s: through the proxy %p", (exceptions, url, through) => {
  const proxies = { HTTPS_PROXY: "http://proxy.test:3128" };
  for (const name of ["NO_PROXY", "no_proxy"])
    expect(proxyFor(url, { ...proxies, [name]: exceptions }) !== undefined).toBe(through);
});

test("the upper-case form wins, as in Go, and ALL_PROXY comes last", () => {
  const variables = { all_proxy: "a", HTTPS_PROXY: "b", https_proxy: "c", HTTP_PROXY: "d" };
  expect(proxyFor("https://x.test", variables)).toMatchObject({ shown: "http://b", variable: "HTTPS_PROXY" });
  expect(proxyFor("http://x.test", variables)).toMatchObject({ shown: "http://d", variable: "HTTP_PROXY" });
});

test.each(["ALL_PROXY", "all_proxy"])("a SOCKS proxy in %s is other programs', as for terraform", (name) => {
  expect(proxyFor("https://x.test", { [name]: "socks5h://127.0.0.1:1080" })).toBeUndefined();
});

test.each([
  [
    "socks5://me:hidden@proxy.test:1080",
    /names the proxy socks5:\/\/proxy\.test:1080, and only http:\/\/ and https:\/\//,
  ],
  ["http://", /HTTPS_PROXY is not the address of a proxy/],
])("%s is refused with the variable, and without a password", (value, message) => {
  const read = () => proxyFor("https://x.test", { HTTPS_PROXY: value });
  expect(read).toThrow(message);
  expect(read).not.toThrow(/hidden/);
});
