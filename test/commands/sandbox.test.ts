import { existsSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { cli } from "../support/sandbox-project";

test("sandbox without a command and without a terminal is refused with the way to use it, instead of serving for ever", () => {
  const name = `served-${process.pid}`;
  const { code, stdout, stderr } = cli(["sandbox", "--sandbox", name]);
  expect([code, stdout]).toEqual([1, ""]);
  expect(stderr).toBe(
    `\nWithout a command the sandbox runs until Ctrl-C, but this is not a terminal. Name the command to run: npm run sandbox -- --sandbox ${name} npx cdktf diff staging-cluster\n`,
  );
  expect(existsSync(join(REPOSITORY, ".sandbox", name))).toBe(false);
});
