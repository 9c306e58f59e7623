import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decryptionKeyRefusals, deployedKeyProblem } from "../../src/deployment/decryption-key";
import { decryptionKeyRevision, keepAgeKey, newAgeKey, retireAgeKey } from "../../src/secrets/age-key";
import { addRecipient } from "../../src/secrets/sops-configuration";
import type { Action } from "../../src/terraform";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "decryption-key-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const refusals = (
  action: Action,
  paths: readonly string[] = [],
  { label = "sops-age", before = 1 }: { label?: string; before?: number } = {},
): string[] =>
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
            before,
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
const encrypt = (text = "sops: {}\n"): void => {
  const folder = join(directory, "flux", "apps", "app", "staging", "secrets");
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "database.yaml"), text);
};

test.each<[Action, string[]]>([
  ["create", []],
  ["replace", []],
  ["update", ["data_wo_revision"]],
])("a plan that writes the key (%s) is refused where the key isn't", (action, paths) => {
  expect(refusals(action, paths)).toEqual([
    expect.stringMatching(
      /^staging-flux-configuration: the cluster needs the private key of staging.*\. If nobody has it: delete the rule of staging in \.sops\.yaml.*npm run deploy -- --environment staging$/,
    ),
  ]);
  const { recipient } = keepAgeKey(directory, "staging");
  expect(refusals(action, paths, { before: decryptionKeyRevision([recipient]) })).toEqual([]);
});

test("a plan that changes something else of the secret is not refused, nor one of another secret", () => {
  expect(refusals("update", ['metadata[0].labels["team"]'])).toEqual([]);
  expect(refusals("create", [], { label: "another" })).toEqual([]);
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

const OTHER = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p";
const encryptFor = (recipient: string): void => encrypt(`sops:\n  age:\n    - recipient: ${recipient}\n`);

test("a key that doesn't open the environment's secrets is not written, and the way to the right one is named", () => {
  const { recipient } = keepAgeKey(directory, "staging");
  encryptFor(OTHER);
  addRecipient(directory, "staging", recipient);
  const [refusal, ...others] = refusals("create");
  expect([refusal, others]).toEqual([
    expect.stringMatching(
      new RegExp(
        `does not open the secrets of staging \\(secret sops-age\\)\\. flux/apps/app/staging/secrets/database\\.yaml is encrypted for ${OTHER}, and \\.sops\\.yaml has another key for staging: ${recipient}, which does not open it`,
      ),
    ),
    [],
  ]);
  for (const way of [
    "from a colleague",
    "(a password manager)",
    'kubectl --namespace flux-system get secret sops-age --output go-template=\'{{index .data "age.agekey" | base64decode}}{{"\\n"}}\' >> .secrets/staging/age.agekey',
    "npm run secrets -- rotate --age-key",
  ])
    expect(refusal).toContain(way);
  encryptFor(recipient);
  expect(refusals("create")).toEqual([]);
});

test("a secret of before a rotation is encrypted for the new key with the old one, which is here", () => {
  const { recipient } = keepAgeKey(directory, "staging");
  const old = newAgeKey();
  addRecipient(directory, "staging", recipient);
  encryptFor(old.recipient);
  retireAgeKey(directory, "staging", old);
  expect(refusals("create")).toEqual([
    expect.stringContaining(
      "SOPS_AGE_KEY_FILE=.secrets/staging/retired.agekey sops updatekeys flux/apps/app/staging/secrets/database.yaml",
    ),
  ]);
});

test("the last copy of a key is not overwritten: what the cluster has must be here, too", () => {
  const { recipient } = keepAgeKey(directory, "staging");
  const old = newAgeKey();
  const overwrite = (recipients: readonly string[]) =>
    refusals("update", ["data_wo_revision"], { before: decryptionKeyRevision(recipients) });
  const refused = [
    expect.stringMatching(
      /has a key that is not on this machine.*>> \.secrets\/staging\/retired\.agekey\)\. .*delete secret sops-age, then deploy$/,
    ),
  ];
  expect(overwrite([old.recipient])).toEqual(refused);
  expect(overwrite([recipient, old.recipient])).toEqual(refused);
  retireAgeKey(directory, "staging", old);
  expect(overwrite([old.recipient])).toEqual([]);
  // Both, as in the middle of a rotation.
  expect(overwrite([recipient, old.recipient])).toEqual([]);
});

const state = (revision: number) => ({
  resources: [
    {
      mode: "managed" as const,
      type: "kubernetes_secret_v1",
      name: "sops-age",

      instances: [{ attributes: { data_wo_revision: revision } }],
    },
  ],
});

test("a cluster that has another key than .sops.yaml is reported with the way to give it the right one", () => {
  const npmRun = (...words: string[]) => words.join(" ");
  const problem = (revision: number) =>
    deployedKeyProblem(state(revision), "staging", { directory, npmRun })?.message;
  expect(problem(7)).toBeUndefined();
  const { recipient } = keepAgeKey(directory, "staging");
  addRecipient(directory, "staging", recipient);
  expect(problem(decryptionKeyRevision([recipient]))).toBeUndefined();
  expect(problem(7)).toBe("the cluster (secret sops-age) has other keys than .sops.yaml");
  encryptFor(OTHER);
  expect(problem(decryptionKeyRevision([recipient]))).toContain(`is encrypted for ${OTHER}`);
});
