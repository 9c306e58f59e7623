import { rmSync } from "node:fs";
import { SandboxProject } from "../support/sandbox-project";
import { normalForm } from "./support/availability/normal-form";
import { ENDINGS, type Ending } from "./support/ended/endings";
import { creating, goOn, PLANNING, type Point, prepare, SYNTHESIZING } from "./support/ended/points";
import { WatchedCommand } from "./support/ended/watched-command";
import { injected } from "./support/injected";

/** Networks are made one after the other, so that a deploy of two environments is never in the middle of both. */
const FIRST_OF_PRODUCTION = creating(
  "cluster",
  ...["digitalocean_vpc", "digitalocean_project", "digitalocean_domain"].map((type) => ({
    type,
    inEach: 1,
    environments: ["production"],
  })),
);
const CLUSTER = "digitalocean_kubernetes_cluster";
const POOL = "digitalocean_kubernetes_node_pool";
const NAMESPACE = "kubernetes_namespace_v1";
const CONFIG_MAP = { type: "kubernetes_config_map_v1", inEach: 2 };
const ENVIRONMENT = "github_repository_environment";
const VARIABLE = { type: "github_actions_environment_variable", inEach: 5 };

/** All that can be under way at once in a stack, one set after the other: each set needs what was made before it. */
const KILLED_AT: readonly Point[] = [
  SYNTHESIZING,
  PLANNING,
  creating("cluster", CLUSTER),
  creating("cluster", POOL),
  creating("flux-configuration", NAMESPACE, "null_resource"),
  creating("flux-configuration", CONFIG_MAP),
  creating("github-secrets", ENVIRONMENT, "github_repository_deploy_key", "github_repository_webhook"),
  creating("github-secrets", VARIABLE, "github_repository_environment_deployment_policy"),
];

type Strike = readonly [Point, Ending];

/** What ends of one interrupt is done; after a second one it has to be done again. */
const INTERRUPTS: readonly Strike[] = [
  [SYNTHESIZING, "Ctrl-C"],
  [SYNTHESIZING, "SIGTERM"],
  [PLANNING, "Ctrl-C"],
  [PLANNING, "SIGTERM"],
  [creating("cluster", CLUSTER), "Ctrl-C"],
  [creating("cluster", POOL), "SIGTERM"],
  [creating("flux-configuration", NAMESPACE), "Ctrl-C twice"],
  [creating("flux-configuration", CONFIG_MAP), "terminal closed"],
  [creating("github-secrets", ENVIRONMENT), "Ctrl-C twice"],
  [creating("github-secrets", ENVIRONMENT), "SIGTERM"],
  [creating("github-secrets", VARIABLE), "Ctrl-C"],
];

const KILLED: readonly Strike[] = KILLED_AT.map((point) => [point, "deploy killed"]);
const ALL_KILLED: readonly Strike[] = KILLED_AT.map((point) => [point, "deploy and terraform killed"]);
/** Each in a project of its own: what was begun is made by the next deploy. In one of them terraform lives on beside that one. */
const IN_PRODUCTION: ReadonlyArray<readonly Strike[]> = (
  ["deploy killed, terraform lives on", "deploy and terraform killed", "Ctrl-C twice"] as const
).map((ending) => [[FIRST_OF_PRODUCTION, ending]]);

const projects: SandboxProject[] = [];
const commands: WatchedCommand[] = [];
afterAll(() => {
  for (const command of commands) command.dispose();
  for (const project of projects) {
    project.remove();
    rmSync(lockOf(project), { force: true });
  }
});
const lockOf = ({ directory }: SandboxProject): string => `${directory}.lock`;

/** What was seen of a deploy that was struck; all of it as it should be, when nothing is wrong. */
interface Seen {
  readonly strike: string;
  readonly ended: unknown;
  readonly leftRunning: readonly string[];
  /** What it says and should not, or the other way round. */
  readonly wrong: readonly string[];
}

/** Deploys again and again, ends each at its point and begins the next one at once; then deploys undisturbed. */
async function endOneAfterTheOther(
  strikes: readonly Strike[],
  change?: (document: Record<string, any>) => void,
): Promise<{ seen: readonly Seen[]; code: number | null; text: string; end: unknown }> {
  const project = new SandboxProject(change);
  projects.push(project);
  const deploy = (): WatchedCommand => {
    const command = new WatchedCommand(project, "deploy", "--yes");
    commands.push(command);
    return command;
  };
  const seen: Array<Promise<Seen>> = [];
  let next = deploy;
  for (const [point, ending] of strikes) {
    prepare(project, point);
    const struck = next();
    await struck.until(point.name, () => point.isReached(struck, project));
    const { strike, wrongIn } = ENDINGS[ending];
    const afterwards = await strike(struck, project, point);
    const ended = await struck.ended;
    next = () => {
      const command = deploy();
      void afterwards?.(command);
      return command;
    };
    // Not waited for: the next deploy begins at once.
    const left = struck.leftRunning();
    seen.push(
      left.then((leftRunning) => ({
        strike: `${ending}: ${point.name}`,
        ended,
        leftRunning,
        wrong: wrongIn(struck, point),
      })),
    );
  }
  goOn(project);
  const last = next();
  const { code } = await last.ended;
  return {
    seen: await Promise.all(seen),
    code,
    text: last.text,
    end: code === 0 ? normalForm(project) : undefined,
  };
}

const expected = ([{ name }, ending]: Strike): Seen => ({
  strike: `${ending}: ${name}`,
  ended: ENDINGS[ending].ended,
  leftRunning: [],
  wrong: [],
});

test("a deploy that is killed or interrupted anywhere: the next one goes on, to the same end, and nothing is left running", async () => {
  await expectTheSameEnd([KILLED, ALL_KILLED, INTERRUPTS]);
});

test("the same while production's network, project and domain are made", async () => {
  await expectTheSameEnd(IN_PRODUCTION, (document) => {
    document.environments = document.environments.filter(
      ({ name }: { name: string }) => name === "production",
    );
  });
});

/** Ends deploys at the points of each sequence, in a project of its own, and compares what is there in the end with an undisturbed deploy. */
async function expectTheSameEnd(
  strikes: ReadonlyArray<readonly Strike[]>,
  change?: (document: Record<string, any>) => void,
): Promise<void> {
  const sequences = [[], ...strikes];
  const [undisturbed, ...struck] = await Promise.all(
    sequences.map((sequence) => endOneAfterTheOther(sequence, change)),
  );
  expect(undisturbed?.code).toBe(0);
  for (const [index, { seen, code, text, end }] of struck.entries()) {
    const done = sequences[index + 1] ?? [];
    expect(seen).toEqual(done.map(expected));
    expect([code, code === 0 ? "" : text]).toEqual([0, ""]);
    expect(end).toEqual(undisturbed?.end);
    for (const [point, ending] of done)
      for (const name of point.names) injected({ area: "availability", fault: ending, point: name });
  }
}
