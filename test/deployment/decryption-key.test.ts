import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decryptionKeyRefusals } from "../../src/deployment/decryption-key";
import { keepAgeKey } from "../../src/secrets/age-key";
import type { Action } from "../../src/terraform";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "decryption-key-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const refusals = (action: Action, paths: readonly string[] = [], label = "sops-age"): string[] =>
  decryptionKeyRefusals(
    {
      stack: { name: "staging-flux-configuration", directory: "", dependencies: [] },
      changes: [
        {
          address: "kubernetes_secret_v1.sops-age",
          type: "kubernetes_secret_v1",
          action,
          createFirst: false,
          label,
          attributes: paths.map((path) => ({
            path,
            before: 1,
            after: 2,
            unknown: false,
            sensitive: false,
            forcesReplacement: false,
          })),
        },
      ],
    },
    { directory, npmRun: (command, ...args) => [`npm run ${command} --`, ...args].join(" ") },
  );
const encrypt = (): void => {
  const folder = join(directory, "flux", "apps", "app", "staging", "secrets");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "database.yaml"), "sops: {}\n");
};

test.each<[Action, string[]]>([
  ["create", []],
  ["replace", []],
  ["update", ["data_wo_revision"]],
])("a plan that writes the key (%s) is refused where the key isn't", (action, paths) => {
  expect(refusals(action, paths)).toEqual([
    expect.stringMatching(
      /^staging-flux-configuration: the cluster needs the private key of staging.*npm run deploy -- --environment staging$/,
    ),
  ]);
  keepAgeKey(directory, "staging");
  expect(refusals(action, paths)).toEqual([]);
});

test("a plan that changes something else of the secret is not refused, nor one of another secret", () => {
  expect(refusals("update", ['metadata[0].labels["team"]'])).toEqual([]);
  expect(refusals("create", [], "another")).toEqual([]);
});

test("a key is not destroyed while files are encrypted for it", () => {
  expect(refusals("destroy")).toEqual([]);
  encrypt();
  expect(refusals("destroy")).toEqual([
    expect.stringMatching(
      /would be destroyed, and 1 file is encrypted for it.*`git checkout -- \.sops\.yaml`$/,
    ),
  ]);
});
