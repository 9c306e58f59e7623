import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { listAll } from "../../src/api-client";
import { fetchPublicKey } from "../../src/secrets/github-api";

/** GitHub's answer for a repository that was renamed or transferred. */
let server: Server;
let base: string;
beforeAll(async () => {
  server = createServer((_, response) => {
    const url = `${base}/api/v3/repositories/7`;
    response.writeHead(301, { location: url }).end(JSON.stringify({ message: "Moved Permanently", url }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test("a repository that was renamed or transferred is named as such, with the fix", async () => {
  await expect(
    fetchPublicKey({ owner: "acme", repository: "platform" }, { GITHUB_BASE_URL: base, GITHUB_TOKEN: "gh" }),
  ).rejects.toThrow(
    "GitHub refused the public key of acme/platform: 301, the repository was renamed or transferred. Put its new name into github.owner and github.repository in the configuration.",
  );
  const url = `${base}/api/v3/repos/acme/platform/keys`;
  await expect(listAll({ service: "GitHub", url, token: "gh" })).rejects.toThrow(
    `GitHub answers 301 to ${url}: it was renamed or transferred: put its new name into the configuration`,
  );
});
