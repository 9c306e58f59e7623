import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { plainDiffErrors } from "../../src/commands/ci-diff";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

/** What the real cdktf prints, judged by the command that the workflow calls. */
const project = new SandboxProject((document) => {
  document.environments = [document.environments[0]];
});
afterAll(() => project.remove());

function diff(stack: string): { readonly printed: string; readonly code: number | null } {
  const { code, stdout, stderr } = cli([
    ...["sandbox", "--sandbox", project.name],
    ...["npx", "cdktf", "diff", stack],
  ]);
  return { code, printed: stdout + stderr };
}
function judge(printed: string): CliResult {
  const file = join(project.directory, "diff.txt");
  writeFileSync(file, printed);
  return cli(["ci-diff", file]);
}

test("a stack that builds on one that was never deployed is no failure", () => {
  const { code, printed } = diff("staging-github-secrets");
  expect([code, printed]).toEqual([1, expect.stringContaining("Unable to find remote state")]);
  expect(judge(printed)).toMatchObject({
    code: 0,
    stdout: expect.stringContaining("builds on one that was never deployed"),
  });
  // Together with another error it is one.
  expect(judge(`${printed}\n│ Error: Invalid reference\n`)).toMatchObject({
    code: 1,
    stderr: "cdktf diff failed:\n  Invalid reference\n",
  });
});

test.each([
  "panic: runtime error: invalid memory address or nil pointer dereference",
  "fatal error: concurrent map writes",
  "runtime: out of memory: cannot allocate 4194304-byte block",
  "terraform exited with code 137",
  "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
  "Killed",
  "[2026-11-30T23:28:35.752] [ERROR] default - TypeError: Cannot read properties of undefined",
  "main.ts(3,1): error TS2304: Cannot find name 'x'.",
  "npm error code ETIMEDOUT",
  "read: connection reset by peer",
  "terraform was ended by SIGBUS",
  "Bus error (core dumped)",
  "Command failed: terraform returned non-zero exit code 137",
])("a crash beside it is a failure: %s", (crash) => {
  const excused = "\u001b[31m│ Error: Unable to find remote state\u001b[0m\n";
  expect(plainDiffErrors(excused)).toEqual([]);
  expect(
    plainDiffErrors(`${excused}staging-flux-configuration  ${crash}\n`.replace(/\S+ {2}Killed/, "Killed")),
  ).toEqual([expect.stringContaining(crash)]);
  // On a line of its own, and in the middle of a plan.
  const logged = crash.replace(/^.*default - /, "");
  const plan = `Terraform planned the following actions:\n      + failures = "an error"\n${crash}\n      Plan: 1 to add\n`;
  expect(plainDiffErrors(excused + crash)).toEqual([logged]);
  expect(plainDiffErrors(plan + excused)).toEqual([logged]);
});

test("a file that isn't there is named, with what to do", () => {
  const file = join(project.directory, "missing.txt");
  const { code, stderr } = cli(["ci-diff", file]);
  expect([code, stderr]).toEqual([
    1,
    expect.stringMatching(
      /missing\.txt: what cdktf diff printed can't be read \(ENOENT\)\. Name the file .*tee <file>/,
    ),
  ]);
  expect(stderr).not.toContain("no such file");
});

test("every other error is one, and is named", () => {
  expect(project.run("deploy", "--stack", "staging-cluster", "--yes").code).toBe(0);
  project.write(
    ["clouds", "faults.json"],
    JSON.stringify([{ provider: "digitalocean", operation: "read", fault: "500", times: 9 }]),
  );
  const { code, printed } = diff("staging-cluster");
  expect(code).not.toBe(0);
  const { code: judged, stderr } = judge(printed);
  expect([judged, stderr]).toEqual([1, expect.stringMatching(/^cdktf diff failed:\n {2}.*500/)]);
});

test("a failure without an error of Terraform is one", () => {
  expect(plainDiffErrors("npm error could not determine executable to run\n")).toHaveLength(1);
  expect(plainDiffErrors("Error: External Error: Stack failed to plan: staging-cluster.\n")).toHaveLength(1);
});
