import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { buildSync } from "esbuild";
import { runTerraform, type TerraformRun } from "../../src/terraform/terraform";
import { plainEnvironment } from "../support/sandbox-project";

let directory: string;
let told: jest.SpyInstance;
const run = (args: string[], more: Partial<TerraformRun> = {}) =>
  runTerraform({ stack: "a", directory, arguments: args, env: plainEnvironment(), ...more });

beforeEach(async () => {
  directory = mkdtempSync(join(tmpdir(), "terraform-"));
  writeFileSync(join(directory, "main.tf"), 'resource "terraform_data" "one" {\n  input = "done"\n}\n');
  await run(["init", "-input=false"]);
  told = jest.spyOn(process.stderr, "write").mockReturnValue(true);
});
afterEach(() => {
  told.mockRestore();
  rmSync(directory, { recursive: true, force: true });
});
const APPLY = ["apply", "-json", "-auto-approve", "-input=false"];
const applied = () => JSON.parse(readFileSync(join(directory, "terraform.tfstate"), "utf8")).resources.length;

test("what fails while an apply is told doesn't end it, and is told afterwards", async () => {
  let events = 0;
  const onEvent = () => {
    events += 1;
    throw new Error(`no room ${events}`);
  };
  expect(await run(APPLY, { onEvent })).toMatchObject({ code: 0 });
  expect([applied(), events > 3]).toEqual([1, true]);
  expect(told.mock.calls).toEqual([
    [expect.stringMatching(/^a: terraform apply ran to its end, .*\(no room 1\)/)],
  ]);
});

test("a failed run stays a failed run, whatever fails beside it", async () => {
  writeFileSync(join(directory, "main.tf"), 'resource "terraform_data" "one" { input = nothing.there }\n');
  const onEvent = () => {
    throw new Error("no room");
  };
  await expect(run(APPLY, { onEvent })).rejects.toMatchObject({
    name: "TerraformError",
    diagnostics: [expect.objectContaining({ severity: "error" })],
  });
});

// The device that is always full is Linux's.
const onLinux = existsSync("/dev/full") ? test : test.skip;
onLinux("a disk that is full in the middle of the debug log doesn't end an apply", async () => {
  const env = { ...plainEnvironment(), TF_LOG: "debug", TF_LOG_PATH: "/dev/full" };
  expect(await run(APPLY, { env })).toMatchObject({ code: 0 });
  expect(applied()).toBe(1);
  expect(told.mock.calls).toEqual([[expect.stringContaining("ENOSPC")]]);
});

test("a debug log that can't be opened is told before terraform starts", async () => {
  const env = { ...plainEnvironment(), TF_LOG: "debug", TF_LOG_PATH: join(directory, "missing", "log") };
  await expect(run(APPLY, { env })).rejects.toThrow(/^TF_LOG_PATH: .*terraform was not started\.$/);
  expect(existsSync(join(directory, "terraform.tfstate"))).toBe(false);
});

test("every line of an apply arrives, once and whole", async () => {
  const lines = Array.from({ length: 3000 }, (_, index) => `${index} ä€😀`);
  writeFileSync(join(directory, "lines"), [...lines, ""].join("\n"));
  const heard: string[] = [];
  writeFileSync(
    join(directory, "main.tf"),
    'resource "terraform_data" "one" {\n  provisioner "local-exec" {\n    command = "cat lines"\n  }\n}\n',
  );
  const onEvent: TerraformRun["onEvent"] = ({ hook }) => {
    if (hook?.output !== undefined) heard.push(hook.output.trim());
  };
  expect(await run(APPLY, { onEvent })).toMatchObject({ code: 0 });
  const output = heard.filter((text) => !text.startsWith("Executing: ")).join("\n");
  expect(output.split("\n")).toEqual(lines);
});

test.each([
  ["", {}],
  [" and writes a debug log", { TF_LOG: "debug" }],
])(
  "an apply whose command is killed%s goes on to its end: its state is whole, and its lock given back",
  async (_, env) => {
    const resource = (seconds: number) =>
      `resource "terraform_data" "after-${seconds}" {\n  provisioner "local-exec" {\n    command = "sleep ${seconds}"\n  }\n}\n`;
    writeFileSync(join(directory, "main.tf"), [0, 1, 2].map(resource).join(""));
    const program = join(directory, "program.js");
    buildSync({
      stdin: {
        contents: `
        import { runTerraform } from "./src/terraform/terraform";
        const killed = ({ type }) => type === "apply_complete" && process.kill(process.pid, "SIGKILL");
        runTerraform({ stack: "a", directory: ${JSON.stringify(directory)}, arguments: ${JSON.stringify(APPLY)}, env: process.env, onEvent: killed });`,
        resolveDir: join(__dirname, "..", ".."),
      },
      outfile: program,
      bundle: true,
      platform: "node",
      logLevel: "error",
    });
    const { signal } = spawnSync(process.execPath, [program], {
      env: { ...plainEnvironment(), ...env },
      stdio: "ignore",
    });
    expect(signal).toBe("SIGKILL");
    const isLocked = () => existsSync(join(directory, ".terraform.tfstate.lock.info"));
    expect(isLocked()).toBe(true);
    for (const end = Date.now() + 30_000; isLocked() && Date.now() < end; ) await sleep(100);
    expect([isLocked(), applied()]).toEqual([false, 3]);
    expect(readFileSync(join(directory, "terraform.tfstate"), "utf8")).not.toContain("tainted");
  },
);
