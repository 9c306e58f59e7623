import { readFileSync } from "node:fs";
import { join } from "node:path";
import { actionsSecretName, PASSED_ON, PLANNED_WITH } from "../../src/secrets/tokens";
import {
  ACTION_FILES,
  allJobs,
  allSteps,
  type Job,
  REPOSITORY,
  WORKFLOW_FILES,
  workflow,
  workflows,
} from "./workflows";

const USES = /^\s*(?:- )?uses: (\S+)(?: # (\S+))?\s*$/;
const usesLines = [...WORKFLOW_FILES, ...ACTION_FILES].flatMap(({ path, text }) =>
  text.split("\n").flatMap((line) => {
    const [, action, version] = USES.exec(line) ?? [];
    return /\buses:/.test(line) ? [{ path, line, action, version }] : [];
  }),
);
const scripts = (
  JSON.parse(readFileSync(join(REPOSITORY, "package.json"), "utf8")) as { scripts: Record<string, string> }
).scripts;

describe("workflows", () => {
  it("are those that users know, under their names", () => {
    expect([...workflows.keys()].sort()).toStrictEqual(["check", "deploy", "diff", "images"]);
    for (const [name, { name: title }] of workflows) expect(title).toBe(name);
  });

  it("start on what their names say", () => {
    expect(workflow("check").on).toStrictEqual({ pull_request: null, push: { branches: ["main"] } });
    expect(workflow("diff").on).toStrictEqual({ pull_request: null });
    expect(workflow("deploy").on).toStrictEqual({ push: { branches: ["main"] }, workflow_dispatch: null });
    expect(workflow("images").on).toStrictEqual({ push: { branches: ["main"], tags: ["v*"] } });
  });

  it("ask for no debug log of terraform, which has secrets with the plain CLI", () => {
    for (const { text } of [...WORKFLOW_FILES, ...ACTION_FILES]) expect(text).not.toMatch(/\bTF_LOG/);
    for (const script of Object.values(scripts)) expect(script).not.toMatch(/\bTF_LOG/);
  });

  it("use actions by commit, with the version beside it, one commit per version", () => {
    expect(usesLines.length).toBeGreaterThan(10);
    const commits = new Map<string, Set<string>>();
    for (const { path, line, action, version } of usesLines) {
      if (action?.startsWith("./")) continue;
      expect({ path, line }).toStrictEqual({
        path,
        line: expect.stringMatching(/uses: [\w.-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/),
      });
      const [name = "", commit = ""] = action?.split("@") ?? [];
      const known = commits.get(name) ?? new Set();
      commits.set(name, known.add(`${commit} ${version}`));
    }
    for (const [name, used] of commits) expect({ name, used: used.size }).toStrictEqual({ name, used: 1 });
  });

  it("run npm scripts of this project only, without expressions in them", () => {
    const lines = allSteps.flatMap(({ where, step: { run } }) => (run === undefined ? [] : [{ where, run }]));
    expect(lines.length).toBeGreaterThan(6);
    for (const { where, run } of lines) {
      expect({ where, run }).toStrictEqual({
        where,
        run: expect.stringMatching(/^(?:npm test|npm run [\w:-]+|npx cdktf diff)(?: [^\n]*)?$/),
      });
      // An expression in a script would be pasted into it before the shell sees it.
      expect(run).not.toContain("${{");
      const script = /^npm (?:run )?([\w-]+)/.exec(run)?.[1];
      if (script !== undefined) expect(Object.keys(scripts)).toContain(script);
    }
  });
});

describe("permissions", () => {
  it.each([...workflows])("%s has none but what its jobs ask for", (_, { permissions }) => {
    expect(permissions).toStrictEqual({});
  });

  it.each(allJobs)("$name has the least", ({ name, job }) => {
    expect(job.permissions).toStrictEqual(
      name === "diff/comment" ? { "pull-requests": "write" } : { contents: "read" },
    );
  });

  it("aren't kept in the checkout", () => {
    const checkouts = allSteps.filter(({ step }) => step.uses?.startsWith("actions/checkout@"));
    expect(checkouts.length).toBeGreaterThan(4);
    for (const { where, step } of checkouts)
      expect({ where, with: step.with }).toStrictEqual({ where, with: { "persist-credentials": false } });
  });

  it("to write comments are with a job that runs no code of the pull request", () => {
    const { steps } = workflow("diff").jobs.comment ?? { steps: [] };
    expect(steps.map(({ uses }) => uses?.split("@")[0])).toStrictEqual([
      "actions/download-artifact",
      "actions/github-script",
    ]);
  });
});

describe("secrets", () => {
  /** Of a plan, by the environment's prefix. */
  const SECRET =
    /secrets\[format\('\{0\}_(PLAN_\w+)', fromJSON\(needs\.ready\.outputs\.prefixes\)\[matrix\.environment\]\)\]/g;
  /** Of a deploy, in a job that names its environment. */
  const OF_ENVIRONMENT = /\$\{\{ secrets\.(\w+) \}\}/g;
  const ANY_SECRET = /\bsecrets\b\s*[.[]/;
  const FORK_GUARD = "github.event.pull_request.head.repo.full_name == github.repository";

  it("are never in reach of a fork's pull request", () => {
    for (const { on } of workflows.values()) {
      expect(Object.keys(on)).not.toContain("pull_request_target");
      expect(Object.keys(on)).not.toContain("workflow_run");
    }
    const reachable = allJobs.filter(({ workflow: name }) => "pull_request" in workflow(name).on);
    const withSecrets = reachable.filter(({ job }) => ANY_SECRET.test(JSON.stringify(job)));
    expect(withSecrets.map(({ name }) => name)).toStrictEqual(["diff/plan", "diff/stack"]);
    for (const { workflow: name, job } of withSecrets)
      expect(upstream(workflow(name).jobs, job).some((needed) => needed.if?.includes(FORK_GUARD))).toBe(true);
  });

  it("are those that the stacks set, and only in the environment of the steps that need them", () => {
    // The user's own of Docker Hub: see images.test.ts.
    for (const { where, step } of allSteps.filter((one) => !one.where.startsWith("images/"))) {
      const { env = {}, ...rest } = step;
      expect({ where, rest: JSON.stringify(rest) }).toStrictEqual({
        where,
        rest: expect.not.stringMatching(ANY_SECRET),
      });
      for (const value of Object.values(env)) {
        if (!ANY_SECRET.test(value)) continue;
        // Each environment's own ones, and nothing around them: read-only ones in plans, full ones in deploys.
        expect({
          where,
          value: where.startsWith("deploy/")
            ? value.replace(OF_ENVIRONMENT, "${{ SECRET }}")
            : value.replace(SECRET, "SECRET"),
        }).toStrictEqual({ where, value: "${{ SECRET }}" });
        expect({ where, run: step.run }).toStrictEqual({
          where,
          run: expect.stringMatching(/^npm run (?:diff|deploy) |^npx cdktf diff /),
        });
      }
    }
    for (const { job } of allJobs) {
      const { steps: _, ...rest } = job;
      expect(JSON.stringify(rest)).not.toMatch(ANY_SECRET);
    }
  });

  it("give plans their own tokens, and the tokens of deploys to no other workflow", () => {
    const namesIn = (workflowName: string, pattern: RegExp) =>
      [
        ...new Set([...JSON.stringify(workflow(workflowName)).matchAll(pattern)].map(([, name]) => name)),
      ].sort();
    expect(namesIn("diff", SECRET)).toStrictEqual(Object.keys(PLANNED_WITH).sort());
    expect(namesIn("deploy", OF_ENVIRONMENT)).toStrictEqual(Object.values(PASSED_ON).sort());
    for (const [name, { jobs }] of workflows) {
      if (name === "deploy") continue;
      for (const token of Object.values(PASSED_ON))
        expect({
          name,
          found: new RegExp(`secrets[^\n]*['._]${token}\\b`).exec(unplanned(jobs)),
        }).toStrictEqual({
          name,
          found: null,
        });
    }
  });

  it("are used to deploy only in jobs that wait for their GitHub environment", () => {
    const deploying = allJobs.filter(
      ({ workflow: name, job }) => name === "deploy" && ANY_SECRET.test(JSON.stringify(job)),
    );
    expect(deploying.map(({ name }) => name)).toStrictEqual([
      "deploy/before-production",
      "deploy/production",
    ]);
    for (const { job } of deploying) expect(job.environment).toBe("${{ matrix.environment }}");
  });

  it("have the names that the stacks set", () => {
    expect(actionsSecretName("pre-production", "PLAN_DIGITALOCEAN_TOKEN")).toBe(
      "PRE_PRODUCTION_PLAN_DIGITALOCEAN_TOKEN",
    );
    expect(Object.values(PASSED_ON).sort()).toStrictEqual([
      "DIGITALOCEAN_TOKEN",
      "PLATFORM_GITHUB_TOKEN",
      "SPACES_ACCESS_KEY_ID",
      "SPACES_SECRET_ACCESS_KEY",
    ]);
  });
});

describe("jobs", () => {
  it.each(allJobs)("$name ends by itself, on a runner of a fixed version", ({ job }) => {
    expect(job["timeout-minutes"]).toBeGreaterThan(0);
    expect(job["runs-on"]).toBe("ubuntu-24.04");
  });
});

/** The jobs that have to succeed before a job starts, itself included. */
function upstream(jobs: Readonly<Record<string, Job>>, start: Job): Job[] {
  const needs = typeof start.needs === "string" ? [start.needs] : (start.needs ?? []);
  return [start, ...needs.flatMap((id) => upstream(jobs, jobs[id] as Job))];
}

/** The jobs in one text, without the tokens of plans. */
function unplanned(jobs: Readonly<Record<string, Job>>): string {
  return JSON.stringify(jobs).replaceAll(/PLAN_\w+/g, "");
}
