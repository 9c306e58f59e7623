import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentOf } from "../../src/terraform/stacks";
import { emptyReport } from "../support/plan-report";
import { cli } from "../support/sandbox-project";
import { job, workflow } from "./workflows";

const MARKER = "<!-- hybrid-gitops:diff -->";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "diff-workflow-"));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs a step's script as GitHub does with `shell: bash`, with stand-ins for npm and npx. */
function runStep(script: string, standIn: string, env: Record<string, string>): number | null {
  for (const name of ["npm", "npx"]) {
    writeFileSync(join(directory, name), `#!/bin/sh\n${standIn}\n`);
    chmodSync(join(directory, name), 0o755);
  }
  return spawnSync("bash", ["--noprofile", "--norc", "-eo", "pipefail", "-c", script], {
    cwd: directory,
    env: { PATH: `${directory}:${process.env.PATH}`, ...env },
  }).status;
}

function stepOf(jobId: string, start: string): string {
  const step = job("diff", jobId).steps.find(({ run }) => run?.startsWith(start));
  if (!step?.run) throw new Error(`no step ${start} in ${jobId}`);
  return step.run;
}

describe("diff", () => {
  it("uses the shell that fails with any part of a pipeline", () => {
    expect(workflow("diff").defaults).toStrictEqual({ run: { shell: "bash" } });
  });

  it.each([
    ["no changes", 0, 0],
    ["changes", 2, 0],
    ["an error", 1, 1],
    ["an interruption", 130, 1],
  ])("ends with its own exit code on %s", (_, code, expected) => {
    const check = '[ "$*" = "run diff -- --environment staging --report plan.json" ] || exit 99';
    expect(
      runStep(stepOf("plan", "npm run diff"), `${check}\nexit ${code}`, { ENVIRONMENT: "staging" }),
    ).toBe(expected);
  });

  it.each([
    ["nothing went wrong", 0, 1, 0],
    ["the plain CLI can't plan the stack", 1, 0, 0],
    ["an error", 1, 1, 1],
  ])("keeps what the plain CLI prints, and fails with it: %s", (_, diff, judged, expected) => {
    const script = stepOf("stack", "npx cdktf diff");
    const standIn = `case "$*" in "cdktf diff staging-cluster") echo "$*"; echo problem >&2; exit ${diff};; "run ci-diff -- staging-cluster.txt") exit ${judged};; esac; exit 99`;
    expect(runStep(script, standIn, { STACK: "staging-cluster" })).toBe(expected);
    const { stdout } = spawnSync("cat", ["staging-cluster.txt"], { cwd: directory, encoding: "utf8" });
    expect(stdout).toBe("cdktf diff staging-cluster\nproblem\n");
    expect(JSON.stringify(workflow("diff"))).not.toContain("continue-on-error");
  });

  it("has an artifact for each stack of each environment", () => {
    const { strategy, steps, env } = job("diff", "stack");
    const stacks = strategy?.matrix.stack as string[];
    expect(stacks.map((stack) => environmentOf({ name: `staging-${stack}` }))).toStrictEqual([
      "staging",
      "staging",
      "staging",
    ]);
    expect(new Set(stacks).size).toBe(3);
    expect(env?.STACK).toBe("${{ matrix.environment }}-${{ matrix.stack }}");
    expect(steps.at(-1)?.with).toMatchObject({
      name: "diff-${{ matrix.environment }}-${{ matrix.stack }}",
      path: "${{ matrix.environment }}-${{ matrix.stack }}.txt",
    });
  });

  it("gives way to a newer push of the same pull request", () => {
    expect(workflow("diff").concurrency).toStrictEqual({
      group: "diff-${{ github.event.pull_request.number }}",
      "cancel-in-progress": true,
    });
  });
});

interface Comment {
  readonly id: number;
  readonly user?: { readonly type: string };
  readonly body?: string;
}

type Call = readonly [
  kind: "create" | "update",
  options: { body: string; comment_id?: number; issue_number?: number },
];

/** Runs the script that posts the comment, against a pull request with some comments. */
async function comment(body: string, comments: readonly Comment[] = []): Promise<Call[]> {
  writeFileSync(join(directory, "comment.md"), body);
  const calls: Call[] = [];
  const github = {
    paginate: async (_: unknown, options: unknown) => {
      expect(options).toStrictEqual({ owner: "acme", repo: "shop", issue_number: 7, per_page: 100 });
      return comments;
    },
    rest: {
      issues: {
        listComments: {},
        createComment: async (options: Call[1]) => calls.push(["create", options]),
        updateComment: async (options: Call[1]) => calls.push(["update", options]),
      },
    },
  };
  const context = {
    serverUrl: "https://github.com",
    repo: { owner: "acme", repo: "shop" },
    runId: 42,
    payload: { pull_request: { number: 7, head: { sha: "abc123" } } },
  };
  const step = job("diff", "comment").steps.find(({ uses }) => uses?.startsWith("actions/github-script@"));
  const AsyncFunction = Object.getPrototypeOf(async () => undefined).constructor as FunctionConstructor;
  const before = process.cwd();
  process.chdir(directory);
  try {
    await new AsyncFunction("github", "context", "require", String(step?.with?.script))(
      github,
      context,
      require,
    );
  } finally {
    process.chdir(before);
  }
  return calls;
}

describe("the comment on a pull request", () => {
  it("is one for all environments, in the configuration's order, and says which could not be planned", () => {
    for (const [name, summary] of [
      ["production", "Plan: no changes"],
      ["staging", "Plan: 1 changed"],
    ] as const) {
      mkdirSync(join(directory, "plans", `plan-${name}`), { recursive: true });
      writeFileSync(
        join(directory, "plans", `plan-${name}`, "plan.json"),
        JSON.stringify(emptyReport(summary)),
      );
    }
    const run = "https://github.com/acme/shop/actions/runs/42";
    // The very command of the workflow.
    const { code, stderr } = cli(
      [
        ...["ci-comment", "--reports", join(directory, "plans")],
        ...["--environments", '["staging","production","qa"]', "--output", join(directory, "comment.md")],
      ],
      {
        GITHUB_SERVER_URL: "https://github.com",
        GITHUB_REPOSITORY: "acme/shop",
        GITHUB_RUN_ID: "42",
        PLANNED_COMMIT: "abc123",
      },
    );
    expect([code, stderr]).toEqual([0, ""]);
    const body = readFileSync(join(directory, "comment.md"), "utf8");
    expect(body.startsWith(`${MARKER}\n\n## staging\n\n### Plan: 1 changed`)).toBe(true);
    expect(body.indexOf("## production")).toBeGreaterThan(body.indexOf("## staging"));
    expect(body).toContain(`## qa\n\nThere is no plan: its job failed, see [the run](${run}).`);
    expect(body).toContain(`Plans of abc123; as the plain CLI prints them: [artifacts](${run}#artifacts).`);
    expect(stepOf("compose", "npm run ci-comment")).toBe(
      'npm run ci-comment -- --reports plans --environments "$ENVIRONMENTS" --output comment.md',
    );
  });

  it("is composed without a secret and without a permission to write", () => {
    const { permissions, steps } = job("diff", "compose");
    expect(permissions).toStrictEqual({ contents: "read" });
    expect(JSON.stringify(steps)).not.toContain("secrets");
  });

  it("is made the first time", async () => {
    expect(await comment(`${MARKER}\n\n## staging`)).toMatchObject([
      ["create", { issue_number: 7, body: `${MARKER}\n\n## staging` }],
    ]);
  });

  it("is updated the next time, and only its own is", async () => {
    const calls = await comment(`${MARKER}\n\n## staging`, [
      { id: 1, user: { type: "User" }, body: `${MARKER}\nsomebody quotes it` },
      { id: 2, user: { type: "Bot" }, body: "another bot's" },
      { id: 3 },
      { id: 4, user: { type: "Bot" }, body: `${MARKER}\n\n## before` },
    ]);
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject(["update", { owner: "acme", repo: "shop", comment_id: 4 }]);
  });
});
