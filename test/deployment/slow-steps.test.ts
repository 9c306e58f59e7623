import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { watchSteps } from "../../src/deployment/slow-steps";
import { Output } from "../../src/terminal/output";

const ADDRESS = "github_actions_secret.token";
let server: Server;
let base: string;
let remaining: number;
const reset = Math.floor(Date.now() / 1000) + 600;

beforeAll(async () => {
  server = createServer((request, response) => {
    response.statusCode = request.url === "/api/v3/rate_limit" ? 200 : 404;
    response.end(JSON.stringify({ resources: { core: { remaining, reset } } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

async function said(address: string): Promise<{ progress: string; problems: string }> {
  const [progress, problems]: string[][] = [[], []];
  class Heard extends Output {
    override progress(stack: string, text: string): void {
      progress?.push(`${stack} ${text}`);
    }
    override problem(text: string): void {
      problems?.push(text);
    }
  }
  const steps = watchSteps("s", new Heard(false), { GITHUB_BASE_URL: base }, 40);
  steps.onEvent({ "@message": "", type: "refresh_start", hook: { resource: { addr: address } } });
  await sleep(200);
  steps.end();
  return { progress: progress?.join("\n") ?? "", problems: problems?.join("\n") ?? "" };
}

test("a read that takes long is told, and with GitHub's limit used up until when the provider waits", async () => {
  remaining = 0;
  const { progress, problems } = await said(ADDRESS);
  expect(progress).toMatch(/^s github_actions_secret\.token still reading after \d+ s/);
  const time = new Date(reset * 1000).toISOString().slice(11, 16);
  expect(problems).toContain(
    `s: GitHub's rate limit for this token is used up. The provider waits until ${time} UTC`,
  );
});

test("with requests left, or for another cloud, nothing is told of GitHub", async () => {
  remaining = 10;
  expect((await said(ADDRESS)).problems).toBe("");
  remaining = 0;
  expect((await said("digitalocean_vpc.vpc")).problems).toBe("");
});
