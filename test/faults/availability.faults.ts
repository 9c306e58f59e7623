import { synthesizeStacks, type Workspace } from "../../src/workspace";
import { SandboxProject } from "../support/sandbox-project";
import { deployIn, inSandbox } from "./support/availability/deploys";
import { normalForm } from "./support/availability/normal-form";
import { pointOf, type Step, stepsOf } from "./support/availability/steps";
import { KINDS, type Kind, strikeAll } from "./support/availability/strikes";
import { injected } from "./support/injected";

/** Something changes in every resource that can be changed. */
function change(document: Record<string, any>): void {
  const [staging, production] = document.environments;
  document.project.description = "Changed";
  staging.domain = "test.acme.example";
  staging.cluster.haControlPlane = true;
  staging.cluster.nodeCount = 7;
  // As large as before: growing profiles would have the tree rendered in each deploy.
  production.cluster.nodeSize = "s-4vcpu-8gb-intel";
  production.cluster.maintenance = { day: "sunday", startTime: "05:00" };
  document.github.branch = "trunk";
  document.github.reviewers = ["ada"];
}

async function stepsOfDeploy(workspace: Workspace): Promise<Step[]> {
  const stacks = await synthesizeStacks(workspace);
  return (await Promise.all(stacks.map((stack) => stepsOf(stack, workspace.variables)))).flat();
}

// terraform runs for half a second each time: collecting its garbage would be a fifth of that.
process.env.GOGC = "off";

interface Reference {
  readonly steps: readonly Step[];
  readonly end: unknown;
}

const references: Record<"first" | "changed", Reference> = {} as never;
const projects: SandboxProject[] = [];
const make = (): SandboxProject => {
  const project = new SandboxProject();
  projects.push(project);
  return project;
};
afterAll(() => {
  for (const project of projects) project.remove();
});

async function undisturbed(project: SandboxProject): Promise<Reference> {
  const steps = await inSandbox(project, async (workspace) => {
    const { exitCode, text } = await deployIn(workspace);
    if (exitCode !== 0) throw new Error(text);
    return stepsOfDeploy(workspace);
  });
  return { steps, end: normalForm(project) };
}

beforeAll(async () => {
  const project = make();
  references.first = await undisturbed(project);
  project.configure(change);
  references.changed = await undisturbed(project);
});

test("the steps are those of the real plans, and every kind of them is there", () => {
  const all = [...references.first.steps, ...references.changed.steps];
  expect(new Set(all.map(({ stack }) => stack)).size).toBe(6);
  expect([...new Set(all.map(({ operation }) => operation))].sort()).toEqual([
    "create",
    "delete",
    "plan",
    "read",
    "update",
  ]);
  expect([...new Set(all.map(({ provider }) => provider))].sort()).toEqual([
    "digitalocean",
    "github",
    "kubernetes",
    "null",
  ]);
});

test("two undisturbed deploys end the same", async () => {
  const project = make();
  const { end } = await undisturbed(project);
  expect(end).toEqual(references.first.end);
});

/** Two at once: each of them waits for terraform most of the time. */
const PAIRS = [
  ["429", "crash"],
  ["500", "killed"],
  ["timeout", "reset"],
] as const satisfies ReadonlyArray<readonly [Kind, Kind]>;

test("every kind of fault has its turn", () => {
  expect(PAIRS.flat().sort()).toEqual([...KINDS].sort());
});

describe.each(PAIRS)("%s and %s", (...kinds) => {
  const inSandboxes = kinds.map((kind) => ({ kind, project: make() }));

  test.each(["first", "changed"] as const)(
    "at every step of the %s deploy: the next one carries on, to the same end",
    async (name) => {
      const reference = references[name];
      const ends = await Promise.all(
        inSandboxes.map(async ({ kind, project }) => {
          if (name === "changed") project.configure(change);
          return inSandbox(project, async (workspace) => {
            const struck = await strikeAll(project, workspace, kind, reference.steps);
            const { stacks } = await deployIn(workspace);
            const restless = stacks
              .filter(({ status }) => status !== "unchanged")
              .map(({ name: stack }) => stack);
            return { ...struck, restless, end: normalForm(project) };
          });
        }),
      );
      expect(ends.map(({ wrong, restless }) => ({ wrong, restless }))).toEqual(
        kinds.map(() => ({ wrong: [], restless: [] })),
      );
      for (const { steps, end } of ends) {
        expect(steps).toHaveLength(reference.steps.length);
        expect(end).toEqual(reference.end);
      }
      for (const [index, { steps }] of ends.entries())
        for (const step of steps)
          injected({ area: "availability", fault: String(kinds[index]), point: pointOf(step) });
    },
  );
});
