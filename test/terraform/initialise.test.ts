import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { planStack, readOutputs } from "../../src/terraform/plan";
import { plainEnvironment } from "../support/sandbox-project";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "terraform-init-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

test("a stack that is planned while others ask for its outputs is initialised once", async () => {
  const real = execFileSync("/bin/sh", ["-c", "command -v terraform"], { encoding: "utf8" }).trim();
  const [log, own] = [join(directory, "log"), join(directory, "terraform")];
  writeFileSync(own, `#!/bin/sh\necho "$1" >>'${log}'\nexec '${real}' "$@"\n`);
  chmodSync(own, 0o755);
  const backend = { local: { path: join(directory, "one.tfstate") } };
  writeFileSync(
    join(directory, "cdk.tf.json"),
    JSON.stringify({ terraform: { backend }, resource: { terraform_data: { one: { input: "x" } } } }),
  );
  const environment = plainEnvironment();
  const variables = { ...environment, PATH: [directory, environment.PATH].join(delimiter) };
  const stack = { name: "one", directory, dependencies: [] };
  await Promise.all([
    planStack(stack, { variables }),
    readOutputs(stack, variables),
    readOutputs(stack, variables),
  ]);
  const ran = readFileSync(log, "utf8").trim().split("\n");
  const times = (command: string): number => ran.filter((word) => word === command).length;
  expect([times("init"), times("plan"), times("output")]).toEqual([1, 1, 2]);
});
