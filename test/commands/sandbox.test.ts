import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { cli, removeAbandoned, SandboxProject } from "../support/sandbox-project";

test("sandbox without a command and without a terminal is refused with the way to use it, instead of serving for ever", () => {
  const name = `served-${process.pid}`;
  const { code, stdout, stderr } = cli(["sandbox", "--sandbox", name]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    `\nWithout a command the sandbox runs until Ctrl-C, but this is not a terminal. Name the command to run: npm run sandbox -- --sandbox ${name} npx cdktf diff staging-cluster\n`,
  );
  expect(existsSync(join(REPOSITORY, ".sandbox", name))).toBe(false);
});

test("a sandbox that isn't there is answered with the names of the user's, and none of this run's tests", () => {
  const project = new SandboxProject();
  const own = join(REPOSITORY, ".sandbox", `own-${process.pid}`);
  mkdirSync(own);
  try {
    const { code, stderr } = cli(["outputs", "--sandbox", "no-such-sandbox"]);
    expect([code, stderr]).toEqual([1, expect.stringContaining("there is no such sandbox, only ")]);
    expect(stderr).toContain(`own-${process.pid}`);
    expect(stderr).not.toContain(project.name);
  } finally {
    rmSync(own, { recursive: true });
    project.remove();
  }
});

test("what a killed run of tests has left is removed by the next", () => {
  const { pid } = spawnSync(process.execPath, ["--version"]);
  const left = join(REPOSITORY, ".sandbox", `test-${pid}-1`);
  const running = join(REPOSITORY, ".sandbox", `test-${process.ppid}-0`);
  for (const folder of [left, running]) mkdirSync(folder, { recursive: true });
  removeAbandoned();
  expect([existsSync(left), existsSync(running)]).toEqual([false, true]);
  rmSync(running, { recursive: true });
});
