import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RuleContext } from "../../../src/flux-tree/rules/context";
import { OutcomeBuilder } from "../../../src/flux-tree/rules/rule";
import { checkRecipients } from "../../../src/flux-tree/rules/sops-recipients";
import { REPOSITORY } from "../../support/example";

const NAME = `recipients-${process.pid}`;
const SANDBOX = join(REPOSITORY, ".sandbox", NAME);
const FILE = "flux/apps/shop/staging/mail.yaml";

beforeAll(() => {
  mkdirSync(SANDBOX, { recursive: true });
  writeFileSync(join(SANDBOX, ".sops.yaml"), "creation_rules:\n  - path_regex: staging\n    age: age1own\n");
});
afterAll(() => rmSync(SANDBOX, { recursive: true, force: true }));

test("in a sandbox sops is run in its folder: in the checkout it would take the checkout's rules and keys", () => {
  const outcome = new OutcomeBuilder("secrets");
  const manifest = { kind: "Secret", sops: { age: [{ recipient: "age1other" }] } };
  // The part of the context that the rule reads.
  checkRecipients(outcome, {
    files: [{ file: FILE, manifests: [manifest] }],
    kustomizations: [],
    tree: { directory: SANDBOX },
  } as unknown as RuleContext);
  const command = `(cd .sandbox/${NAME} && sops updatekeys ${FILE})`;
  expect(outcome.findings.map(({ fix }) => fix)).toEqual([command, command]);
});
