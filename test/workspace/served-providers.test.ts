import type { AddressInfo } from "node:net";
import { createServer } from "node:net";
import { ProvidersGone, requireServedProviders } from "../../src/workspace/served-providers";
import { cli } from "../support/sandbox-project";

const reattach = (...addresses: string[]) => ({
  TF_REATTACH_PROVIDERS: JSON.stringify(
    Object.fromEntries(
      addresses.map((address, index) => [`provider${index}`, { Addr: { Network: "tcp", String: address } }]),
    ),
  ),
});

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

test("providers that are served, or not named at all, are no obstacle", async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await requireServedProviders(reattach(`127.0.0.1:${port}`));
  await requireServedProviders({});
  await requireServedProviders({ TF_REATTACH_PROVIDERS: "{" });
  await requireServedProviders(reattach("/tmp/a-socket"));
  await new Promise((resolve) => server.close(resolve));
});

test("one that nobody serves any more is told with its address and what to do", async () => {
  const address = `127.0.0.1:${await freePort()}`;
  await expect(requireServedProviders(reattach(address))).rejects.toThrow(ProvidersGone);
  await expect(requireServedProviders(reattach(address))).rejects.toThrow(
    `The sandbox has ended: TF_REATTACH_PROVIDERS says that a provider is at ${address}, where nobody listens.`,
  );
});

test.each(["deploy", "diff", "app"])("%s says so, and not in terraform's words", async (command) => {
  const { code, stderr } = cli([command], reattach(`127.0.0.1:${await freePort()}`));
  expect([code, stderr]).toEqual([1, expect.stringContaining("The sandbox has ended: ")]);
  expect(stderr).not.toContain("    at ");
});
