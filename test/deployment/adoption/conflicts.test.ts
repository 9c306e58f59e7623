import { isRefusal, isTaken } from "../../../src/deployment/adoption/conflicts";

test.each([
  ['POST https://api.digitalocean.com/v2/projects: 409 (request "a") name is already in use', true, true],
  [
    'POST https://api.digitalocean.com/v2/vpcs: 422 (request "a") a VPC with the name "x" already exists',
    true,
    true,
  ],
  ["POST https://api.github.com/repos/a/b/environments/c/deployment-branch-policies: 303  []", true, true],
  ['namespaces "flux-system" already exists', true, true],
  ['POST https://api.digitalocean.com/v2/vpcs: 422 (request "a") invalid region "x"', false, true],
  ["POST https://api.digitalocean.com/v2/vpcs: 403 forbidden", false, true],
  ["POST https://api.digitalocean.com/v2/vpcs: 429 API rate limit exceeded.", false, false],
  ["POST https://api.digitalocean.com/v2/vpcs: 408 timeout", false, false],
  [
    'POST https://api.digitalocean.com/v2/vpcs giving up after 5 attempt(s): Post "https://api.digitalocean.com/v2/vpcs": read tcp 10.0.0.2:53124->104.16.181.15:443: read: connection reset by peer',
    false,
    false,
  ],
  ['Post "https://10.0.0.1:409/api": dial tcp 10.0.0.1:409: connect: connection refused', false, false],
  ['POST https://10.0.0.1:443/v2/vpcs: 422 (request "409") invalid', false, true],
  ["POST https://api.digitalocean.com/v2/vpcs: 500 Server was unable", false, false],
  ["context deadline exceeded (Client.Timeout exceeded while awaiting headers)", false, false],
])("%s: taken %p, certainly not made %p", (summary, taken, refused) => {
  expect([isTaken({ summary, detail: "" }), isRefusal({ summary, detail: "" })]).toEqual([taken, refused]);
});
