import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { listAll } from "../../src/api-client";
import { fetchPublicKey } from "../../src/secrets/github-api";
import { fetchRepositoryOffer } from "../../src/secrets/repository-offer";

/** GitHub's answers for repositories that were renamed or transferred: one is still there, one isn't seen under its new name. */
let server: Server;
let base: string;
beforeAll(async () => {
  server = createServer(({ url = "" }, response) => {
    const id = /^\/api\/v3\/repositories\/(\d)$/.exec(url)?.[1];
    if (id === "7") response.end(JSON.stringify({ full_name: "other/store" }));
    else if (id !== undefined) response.writeHead(404).end("{}");
    else {
      const [, name, rest = ""] = /^\/api\/v3\/repos\/acme\/(\w+)(.*)$/.exec(url) ?? [];
      const location = `${base}/api/v3/repositories/${name === "platform" ? 7 : 8}${rest}`;
      response.writeHead(301, { location }).end(JSON.stringify({ message: "Moved Permanently" }));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

test.each([
  ["platform", " to other/store"],
  ["hidden", ""],
])(
  "a repository that was renamed or transferred (%s) is named as such, with its new name where GitHub gives it",
  async (repository, to) => {
    const variables = { GITHUB_BASE_URL: base, GITHUB_TOKEN: "gh" };
    const reason = `301, the repository was renamed or transferred${to}. Put its new name into github.owner and github.repository in the configuration.`;
    const moved = { owner: "acme", repository };
    await expect(fetchPublicKey(moved, variables)).rejects.toThrow(
      `GitHub refused the public key of acme/${repository}: ${reason}`,
    );
    await expect(fetchRepositoryOffer(moved, variables)).rejects.toThrow(
      `GitHub refused acme/${repository}: ${reason}`,
    );
  },
);

test("a list of a repository that has moved is refused with the fix", async () => {
  const url = `${base}/api/v3/repos/acme/platform/keys`;
  await expect(listAll({ service: "GitHub", url, token: "gh" })).rejects.toThrow(
    `GitHub answers 301 to ${url}: it was renamed or transferred: put its new name into the configuration`,
  );
});
