import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { synthesizeStacks } from "../../src/workspace";
import { SandboxProject } from "../support/sandbox-project";
import { deployIn, destroyIn, inSandbox } from "./support/availability/deploys";
import { normalForm } from "./support/availability/normal-form";
import { pointOf, type Step, stepsOf } from "./support/availability/steps";
import { type Kind, strikeOnce } from "./support/availability/strikes";
import { injected } from "./support/injected";

// terraform runs for half a second each time: collecting its garbage would be a fifth of that.
process.env.GOGC = "off";

const DESTROYED = "staging";
const KEPT = "production";
/** Nothing has changed and the cloud says so; it has changed and nobody hears of it; and terraform itself is gone. */
const KINDS = ["500", "crash", "killed"] as const satisfies readonly Kind[];
/** More would mean that something never goes on. */
const MOST_RUNS = 20;

const projects: SandboxProject[] = [];
afterAll(() => {
  for (const project of projects) project.remove();
});
function make(): SandboxProject {
  const project = new SandboxProject();
  projects.push(project);
  return project;
}

const deployed = make();
function copyOfDeployed(): SandboxProject {
  const copy = make();
  expect(spawnSync("cp", ["-Rp", `${deployed.directory}/.`, copy.directory]).status).toBe(0);
  return copy;
}

/** The states of the environment that stays, byte for byte. */
const keptStates = ({ directory }: SandboxProject): string[] =>
  ["cluster", "flux-configuration", "github-secrets"].map((kind) =>
    readFileSync(join(directory, "state", `${KEPT}-${kind}.tfstate`), "utf8"),
  );

let steps: readonly Step[];
let end: unknown;
let before: string[];
beforeAll(async () => {
  await inSandbox(deployed, async (workspace) => {
    const { exitCode, text } = await deployIn(workspace);
    if (exitCode !== 0) throw new Error(text);
  });
  before = keptStates(deployed);
  const project = copyOfDeployed();
  steps = await inSandbox(project, async (workspace) => {
    const { exitCode, text } = await destroyIn(workspace, DESTROYED);
    if (exitCode !== 0) throw new Error(text);
    const stacks = (await synthesizeStacks(workspace)).filter(({ name }) => name.startsWith(DESTROYED));
    const planned = stacks.map(({ name }) =>
      stepsOf({ name, directory: join(workspace.outdir, "destroy", name) }, workspace.variables),
    );
    return (await Promise.all(planned)).flat().filter(({ operation }) => operation === "delete");
  });
  end = normalForm(project);
});

test("the steps are the deletions in all three stacks, and an undisturbed destroy leaves nothing of the environment", () => {
  expect(new Set(steps.map(({ stack }) => stack)).size).toBe(3);
  expect(steps.length).toBeGreaterThan(15);
  const { states } = end as { states: Record<string, { resources: object }> };
  for (const { stack } of steps) expect([stack, states[`${stack}.tfstate`]?.resources]).toEqual([stack, {}]);
});

test("a destroy that is struck at every deletion goes on, to the same end, and touches no other environment", async () => {
  const ends = await Promise.all(
    KINDS.map(async (kind) => {
      const project = copyOfDeployed();
      const wrong: string[] = [];
      const pending = new Set(steps);
      await inSandbox(project, async (workspace) => {
        for (let runs = 1; ; runs++) {
          const { result, struck } = await strikeOnce(project, kind, [...pending], () =>
            destroyIn(workspace, DESTROYED),
          );
          for (const step of struck) pending.delete(step);
          if (struck.length === 0 && result.exitCode === 0) return;
          const goesOn = /destroy again|the next destroy/.test(result.text);
          const makesAnew = /deploy again|the next deploy/.test(result.text);
          if (struck.length === 0 || result.exitCode !== 1 || !goesOn || makesAnew || runs === MOST_RUNS) {
            wrong.push(`${kind}: ${struck.map(pointOf)}: ${result.exitCode}\n${result.text}`);
            return;
          }
        }
      });
      return {
        wrong,
        pending: [...pending].map(pointOf),
        end: normalForm(project),
        kept: keptStates(project),
      };
    }),
  );
  expect(ends.map(({ wrong, pending }) => ({ wrong, pending }))).toEqual(
    KINDS.map(() => ({ wrong: [], pending: [] })),
  );
  for (const one of ends) {
    expect(one.end).toEqual(end);
    expect(one.kept).toEqual(before);
  }
  for (const kind of KINDS)
    for (const step of steps)
      injected({ area: "availability", fault: kind, point: `destroy: ${pointOf(step)}` });
});
