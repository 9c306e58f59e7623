import { join } from "node:path";
import { checkBucket, keysOf, type PreparationFinding } from "../../../src/state";
import { bucketError } from "../../../src/state/spaces/bucket-error";
import { REPOSITORY } from "../../support/example";
import { strayWords } from "../../support/sandbox-words";

const MINE = join(REPOSITORY, ".sandbox", "mine");
const state = {
  backend: "spaces",
  bucket: "acme-states",
  region: "nyc3",
  endpoint: "https://nyc3.digitaloceanspaces.com",
  ownEndpoint: false,
  lockfile: true,
} as const;

test.each(["InvalidAccessKeyId", "SignatureDoesNotMatch", "AccessDenied", "NoSuchBucket"])(
  "%s is told with the sandbox's own files and commands",
  (code) => {
    const { message } = bucketError("bucket x", "it can't be read", { name: code }, MINE);
    expect(message).toContain("npm run state -- prepare --sandbox mine makes");
    expect(strayWords(message, "mine")).toEqual([]);
    expect(bucketError("bucket x", "it can't be read", { name: code }).message).toContain(
      "npm run state -- prepare makes",
    );
  },
);

test("a key or a token that is missing is told with the sandbox's own files and commands", async () => {
  const told: PreparationFinding[] = [];
  await checkBucket({
    state,
    directory: MINE,
    variables: {},
    keyIsFromEnvironment: false,
    keepKey: () => undefined,
    switchLockfileOff: () => undefined,
    tell: (finding) => told.push(finding),
    signal: new AbortController().signal,
  });
  expect(told.map(({ fix }) => fix)).toEqual([
    "npm run state -- prepare --sandbox mine makes the bucket and a key for it",
  ]);
  expect(() => keysOf(state, {}, MINE)).toThrow("Put it into .sandbox/mine/.env or the environment.");
});
