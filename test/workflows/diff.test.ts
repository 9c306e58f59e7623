import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { environmentOf } from "../../src/terraform/stacks";
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
    const check = '[ "$*" = "run diff -- --environment staging --markdown comment.md" ] || exit 99';
    expect(
      runStep(stepOf("plan", "npm run diff"), `${check}\nexit ${code}`, { ENVIRONMENT: "staging" }),
    ).toBe(expected);
  });

  it("keeps what the plain CLI prints, also when that fails", () => {
    const script = `${stepOf("stack", "npx cdktf diff")}`;
    expect(runStep(script, 'echo "$*"; echo problem >&2; exit 1', { STACK: "staging-cluster" })).toBe(1);
    const { stdout } = spawnSync("cat", ["staging-cluster.txt"], { cwd: directory, encoding: "utf8" });
    expect(stdout).toBe("cdktf diff staging-cluster\nproblem\n");
    expect(job("diff", "stack").steps.find(({ run }) => run === script)).toMatchObject({
      "continue-on-error": true,
    });
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

/** Runs the script that writes the comment, against a pull request with some comments. */
async function comment(
  plans: Readonly<Record<string, string>>,
  environments: readonly string[],
  comments: readonly Comment[] = [],
): Promise<Call[]> {
  for (const [environment, plan] of Object.entries(plans)) {
    mkdirSync(join(directory, "comments", `comment-${environment}`), { recursive: true });
    writeFileSync(join(directory, "comments", `comment-${environment}`, "comment.md"), plan);
  }
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
  const before = { directory: process.cwd(), environments: process.env.ENVIRONMENTS };
  process.chdir(directory);
  process.env.ENVIRONMENTS = JSON.stringify(environments);
  try {
    await new AsyncFunction("github", "context", "require", String(step?.with?.script))(
      github,
      context,
      require,
    );
  } finally {
    process.chdir(before.directory);
    if (before.environments === undefined) delete process.env.ENVIRONMENTS;
    else process.env.ENVIRONMENTS = before.environments;
  }
  return calls;
}

describe("the comment on a pull request", () => {
  const staging = `${MARKER}\n### Plan: 1 changed\n`;
  const production = `${MARKER}\n### Plan: no changes\n`;

  it("is one for all environments, in the configuration's order", async () => {
    const [[kind, { body, issue_number }] = ["none", { body: "" }], ...more] = (await comment(
      { production, staging },
      ["staging", "production"],
    )) as [Call];
    expect({ kind, issue_number, more }).toStrictEqual({ kind: "create", issue_number: 7, more: [] });
    expect(body).toBe(
      [
        MARKER,
        "## staging\n\n### Plan: 1 changed",
        "## production\n\n### Plan: no changes",
        "Plans of abc123; as the plain CLI prints them: [artifacts](https://github.com/acme/shop/actions/runs/42#artifacts).",
      ].join("\n\n"),
    );
  });

  it("is updated the next time, and only its own is", async () => {
    const calls = await comment(
      { staging },
      ["staging"],
      [
        { id: 1, user: { type: "User" }, body: `${MARKER}\nsomebody quotes it` },
        { id: 2, user: { type: "Bot" }, body: "another bot's" },
        { id: 3 },
        { id: 4, user: { type: "Bot" }, body: `${MARKER}\n\n## staging` },
      ],
    );
    expect(calls).toHaveLength(1);
    expect(calls[0]).toMatchObject(["update", { owner: "acme", repo: "shop", comment_id: 4 }]);
  });

  it("says which environment could not be planned", async () => {
    const [[, { body }] = ["create", { body: "" }]] = await comment({ staging }, ["staging", "production"]);
    expect(body).toContain(
      "## production\n\nThere is no plan: its job failed, see [its log](https://github.com/acme/shop/actions/runs/42).",
    );
  });

  it("stays within GitHub's limit however long the plans are", async () => {
    const long = `${MARKER}\n${"x".repeat(60_000)}`;
    const [[, { body }] = ["create", { body: "" }]] = await comment({ staging: long, production: long }, [
      "staging",
      "production",
    ]);
    expect(body.length).toBeLessThan(65_536);
    expect(body.match(/Too long for a comment/g)).toHaveLength(2);
  });
});
