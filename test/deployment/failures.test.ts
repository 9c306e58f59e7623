import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explain } from "../../src/deployment/failure";
import { failureMessages } from "../../src/deployment/plan-all";
import { TerraformError } from "../../src/terraform";
import { REPOSITORY } from "../support/example";

const error = (stack: string, diagnostics: any[] = [], output = "") =>
  new TerraformError(stack, "plan", diagnostics, output);
const diagnostic = (summary: string, detail = "", address?: string) => ({
  severity: "error" as const,
  summary,
  detail,
  address,
});

test("a diagnostic is told with its resource, warnings are not", () => {
  const message = explain(
    error("s", [
      diagnostic("no such size", "422", "digitalocean_vpc.vpc"),
      { severity: "warning", summary: "w", detail: "" },
    ]),
  );
  expect(message).toBe("s: terraform plan failed\n  digitalocean_vpc.vpc: no such size\n    422");
});

test("what was halted after an interrupt is no error of its own", () => {
  expect(explain(error("s", [diagnostic("execution halted"), diagnostic("real")]))).toBe(
    "s: terraform plan failed\n  real",
  );
  expect(explain(error("s", [diagnostic("execution halted")]))).toBe(
    "s: terraform plan failed\n  stopped before the rest was begun",
  );
});

test.each([
  [
    "local",
    { local: { path: "x.tfstate" } },
    "state -- check --stack s names its process",
    "state -- unlock",
  ],
  ["in a bucket", { s3: {} }, "npm run state -- unlock --stack s --id 0f4a", "names its process"],
])("a lock on a state that is %s names what helps there", (_, backend, wanted, useless) => {
  const directory = mkdtempSync(join(tmpdir(), "failures-"));
  writeFileSync(join(directory, "cdk.tf.json"), JSON.stringify({ terraform: { backend } }));
  const detail = "Lock Info:\n  ID:        0f4a\n  Operation: OperationTypeApply\n  Who:       kim@laptop\n";
  const message = explain(
    new TerraformError(
      "s",
      "plan",
      [diagnostic("Error acquiring the state lock", detail)],
      "",
      { underWay: [] },
      directory,
    ),
  );
  rmSync(directory, { recursive: true });
  expect(message).toContain("kim@laptop works on this state (apply).");
  expect(message).toContain(wanted);
  expect(message).not.toContain(useless);
});

test("protection is told without terraform's advice to edit it", () => {
  const detail =
    "Resource digitalocean_domain.domain has lifecycle.prevent_destroy set, but the plan calls for this resource to be destroyed.";
  const message = explain(error("s", [diagnostic("Instance cannot be destroyed", detail)]));
  expect(message).toContain("digitalocean_domain.domain is protected");
  expect(message).not.toContain("prevent_destroy");
});

test("a precondition names the configuration file of the sandbox that it fails in", () => {
  const name = `failures-${process.pid}`;
  const own = join(REPOSITORY, ".sandbox", name);
  const saidIn = (directory: string): string => {
    const failed = diagnostic(
      "Resource precondition failed",
      "set cluster.version in infrastructure.config.json to one.",
    );
    return explain(
      new TerraformError("s", "plan", [failed], "", { underWay: [] }, join(directory, "cdktf.out/stacks/s")),
    );
  };
  mkdirSync(own, { recursive: true });
  try {
    writeFileSync(join(own, "infrastructure.config.json"), "{}");
    expect(saidIn(own)).toContain(
      `set cluster.version in .sandbox/${name}/infrastructure.config.json to one.`,
    );
    expect(saidIn(REPOSITORY)).toContain("set cluster.version in infrastructure.config.json to one.");
  } finally {
    rmSync(own, { recursive: true });
  }
});

test("the same trouble of several stacks is told once, different ones each", () => {
  const failures = ["a-cluster", "b-cluster"].map((stack) => ({ stack, message: `${stack}: no network` }));
  expect(failureMessages([...failures, { stack: "c", message: "c: other" }])).toEqual([
    "a-cluster: no network\n  (the same in b-cluster)",
    "c: other",
  ]);
});
