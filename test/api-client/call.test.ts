import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { type AddressInfo, createServer as createTcpServer } from "node:net";
import { type ApiRequest, ApiUnavailable, callApi, RETRY_LIMITS } from "../../src/api-client";
import { askedDelay } from "../../src/api-client/retry-policy";

type Step = (request: IncomingMessage, response: ServerResponse) => void;

const TOKEN = "dop_v1_3c1f0e_sentinel";
const limits = { ...RETRY_LIMITS, firstDelayMs: 5, attemptMs: 300 };
const seen: Array<{ method?: string; authorization?: string; body: string }> = [];
let steps: Step[] = [];
let server: Server;
let url: string;

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => {
      body += part;
    });
    request.on("end", () => {
      seen.push({ method: request.method, authorization: request.headers.authorization, body });
      (steps.shift() ?? answers(200, "done"))(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v2/thing`;
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});
beforeEach(() => {
  seen.length = 0;
});

const answers =
  (status: number, body = "", headers: Record<string, string> = {}): Step =>
  (_, response) => {
    response.writeHead(status, headers);
    response.end(body);
  };
const resets: Step = (request) => request.socket.resetAndDestroy();
const staysSilent: Step = () => undefined;

const call = (script: Step[], more: Partial<ApiRequest> = {}) => {
  steps = script;
  return callApi({ service: "DigitalOcean", url, token: TOKEN, limits, ...more });
};

test.each([
  ["429", answers(429)],
  ["500", answers(500)],
  ["502", answers(502)],
  ["503", answers(503)],
  ["504", answers(504)],
  ["a reset", resets],
  ["no answer in time", staysSilent],
  [
    "GitHub's 403 for a limit that is used up",
    answers(403, "", { "x-ratelimit-remaining": "0", "retry-after": "0" }),
  ],
])("%s is tried again, with the token, until it goes through", async (_, fault) => {
  expect(await call([fault, fault])).toMatchObject({ status: 200, body: "done" });
  expect(seen.map(({ authorization }) => authorization)).toEqual(Array(3).fill(`Bearer ${TOKEN}`));
});

test.each([400, 401, 403, 404, 409, 422])("%i is an answer, and is not tried again", async (status) => {
  expect(await call([answers(status, "why")])).toMatchObject({ status, body: "why" });
  expect(seen).toHaveLength(1);
});

test("after the last attempt the answer is given back as it is", async () => {
  expect(await call(Array(9).fill(answers(503, "busy")))).toMatchObject({ status: 503, body: "busy" });
  expect(seen).toHaveLength(RETRY_LIMITS.attempts);
});

test("a POST is repeated only where it was not carried out, or may be", async () => {
  const post = { method: "POST", body: { name: "a" } } as const;
  expect((await call([answers(500)], post)).status).toBe(500);
  await expect(call([resets], post)).rejects.toThrow(ApiUnavailable);
  expect(seen).toHaveLength(2);
  expect((await call([answers(429)], post)).status).toBe(200);
  expect((await call([answers(500), resets], { ...post, repeatable: true })).status).toBe(200);
  expect(seen.at(-1)?.body).toBe('{"name":"a"}');
});

test("Retry-After is kept to, and a wait that can be noticed is told", async () => {
  const lines: string[] = [];
  const begun = Date.now();
  const waiting = answers(429, "", { "retry-after": "2" });
  expect((await call([waiting], { onWait: (line) => lines.push(line) })).status).toBe(200);
  expect(Date.now() - begun).toBeGreaterThanOrEqual(2000);
  expect(lines).toEqual(["DigitalOcean asks to wait 2 s (429)"]);
});

test("a wait beyond the limit fails at once and says until when", async () => {
  const begun = Date.now();
  const error = (await call([answers(429, "", { "retry-after": "3600" })]).catch((e: Error) => e)) as Error;
  expect(Date.now() - begun).toBeLessThan(1000);
  expect(error.message).toMatch(
    /429, it takes no more requests for 60 min\. Try again after \d\d:\d\d UTC\.$/,
  );
  expect(seen).toHaveLength(1);
});

test("the total limit ends the attempts", async () => {
  const slow = { ...limits, firstDelayMs: 50, totalMs: 120 };
  expect((await call(Array(9).fill(answers(500)), { limits: slow })).status).toBe(500);
  expect(seen.length).toBeLessThanOrEqual(3);
});

test("a server that isn't there is named, with what to do, and without the token", async () => {
  const free = createTcpServer();
  await new Promise<void>((resolve) => free.listen(0, "127.0.0.1", resolve));
  const { port } = free.address() as AddressInfo;
  await new Promise((resolve) => free.close(resolve));
  const gone = `http://127.0.0.1:${port}/${TOKEN}`;
  const error = (await call([], { url: gone }).catch((e: Error) => e)) as Error;
  expect(error.message).toMatch(
    /^DigitalOcean can't be reached \(http:\/\/127\.0\.0\.1:\d+\/\*\*\*\): connect ECONNREFUSED .*\. Check the network and try again\.$/,
  );
  expect(error.message).not.toContain(TOKEN);
});

test("an address or a token that can't be sent is no reason to wait", async () => {
  const begun = Date.now();
  const error = (await call([], { token: "with\nbreak" }).catch((e: Error) => e)) as Error;
  expect(error).toBeInstanceOf(ApiUnavailable);
  expect(error.message).not.toContain('break"');
  expect(Date.now() - begun).toBeLessThan(200);
});

test("a connection that always breaks is named with the number of attempts", async () => {
  await expect(call(Array(9).fill(resets))).rejects.toThrow(
    /^DigitalOcean can't be reached .*: (?:read ECONNRESET|socket hang up) \(tried 4 times\)\./,
  );
});

test.each([
  [{ "retry-after": "7" }, 7000],
  [{ "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" }, 20_000],
  [{ "retry-after": "soon" }, undefined],
  [{ "x-ratelimit-reset": "15" }, 5000],
  [{ "ratelimit-reset": "25" }, 15_000],
  [{ "ratelimit-reset": "1" }, 0],
  [{}, undefined],
])("what the server asks: %j is %p ms", (headers, delay) => {
  expect(askedDelay(429, headers, 10_000)).toBe(delay);
});

test("the reset of a limit says nothing about trouble at their side", () => {
  expect(askedDelay(500, { "ratelimit-reset": "25" }, 10_000)).toBeUndefined();
});
