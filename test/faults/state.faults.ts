import { type ChildProcess, spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";
import { outcome, unknownObjects } from "./support/deployed-things";
import { injected } from "./support/injected";
import { type Strike, struck } from "./support/struck";

const AREA = "state";
const STACKS = ["staging-cluster", "staging-flux-configuration"];
const CLUSTER = "staging-cluster";

/** One environment without GitHub: two stacks, of which one builds on the other. */
const newProject = (): SandboxProject =>
  new SandboxProject((document) => {
    document.environments = [document.environments[0]];
    delete document.github;
  });

const state = (project: SandboxProject, ...path: string[]): string =>
  join(project.directory, "state", ...path);
const stateOf = (project: SandboxProject): string => state(project, `${CLUSTER}.tfstate`);
const backupsOf = (project: SandboxProject, stack = CLUSTER): string[] =>
  existsSync(state(project, "backups", stack))
    ? readdirSync(state(project, "backups", stack)).filter((name) => name.endsWith(".tfstate"))
    : [];
const restoreNewest = (project: SandboxProject, stack = CLUSTER): string[] => [
  "state",
  "restore",
  "--sandbox",
  project.name,
  "--stack",
  stack,
  "--backup",
  "latest",
  "--yes",
];

const grow = (project: SandboxProject, nodes: number): void =>
  project.configure((document) => {
    document.environments[0].cluster.nodeCount = nodes;
  });

/** Every object is known, the next deploy succeeds, and all is as if nothing had happened. */
function expectNothingLost(project: SandboxProject, undisturbed: unknown): void {
  expect(unknownObjects(project)).toEqual([]);
  const { code, stderr } = project.run("deploy", "--yes");
  expect([code, stderr]).toEqual([0, ""]);
  expect(unknownObjects(project)).toEqual([]);
  expect(outcome(project, STACKS)).toEqual(undisturbed);
}

function expectCheckIsGood(project: SandboxProject): void {
  const { code, stderr } = cli(["state", "check", "--sandbox", project.name]);
  expect([code, stderr]).toEqual([0, ""]);
}

let fresh: unknown;
let grown: unknown;
const deployed = newProject();
beforeAll(() => {
  expect(deployed.run("deploy", "--yes").code).toBe(0);
  fresh = outcome(deployed, STACKS);
  const other = newProject();
  expect(other.run("deploy", "--yes").code).toBe(0);
  // Two undisturbed deploys come to the same: otherwise nothing below would say anything.
  expect(outcome(other, STACKS)).toEqual(fresh);
  grow(other, 7);
  expect(other.run("deploy", "--yes").code).toBe(0);
  grown = outcome(other, STACKS);
  expect(grown).not.toEqual(fresh);
  other.remove();
});
afterAll(() => deployed.remove());

/** A copy of the deployed project, to be broken. */
function copyOfDeployed(): SandboxProject {
  const copy = newProject();
  copyFolder(deployed.directory, copy.directory);
  return copy;
}

/** With the permissions, which Node's own copy doesn't keep for folders. */
function copyFolder(from: string, to: string): void {
  expect(spawnSync("cp", ["-Rp", `${from}/.`, to]).status).toBe(0);
}

describe("terraform is killed in mid-apply", () => {
  // Calls to these types are held up and change nothing: what was done before them has to be in the state.
  test.each([
    ["digitalocean_vpc.vpc", "digitalocean", ["digitalocean_vpc", "digitalocean_project"]],
    ["digitalocean_kubernetes_cluster.cluster", "digitalocean", ["digitalocean_kubernetes_cluster"]],
    [
      "digitalocean_kubernetes_node_pool.node-pool-workload",
      "digitalocean",
      ["digitalocean_kubernetes_node_pool", "digitalocean_project_resources"],
    ],
    ["kubernetes_config_map_v1.infrastructure-vars", "kubernetes", ["kubernetes_config_map_v1"]],
  ])("at %s", (address, provider, types) => {
    const project = newProject();
    const faults = types.map((type) => ({ provider, type, operation: "create", fault: "timeout", times: 2 }));
    mkdirSync(join(project.directory, "clouds"), { recursive: true });
    project.write(["clouds", "faults.json"], JSON.stringify(faults));
    const killed = struck(["deploy", "--sandbox", project.name, "--yes"], {
      call: "apply",
      match: `"${address}: Creating`,
      when: "in",
      fault: "kill",
    });
    expect(killed.code).toBe(1);
    project.write(["clouds", "faults.json"], "[]");
    expectNothingLost(project, fresh);
    injected({ area: AREA, fault: "terraform killed", point: `create ${address}` });
    project.remove();
  });
});

describe("a deploy is killed around the backup of a state", () => {
  const draft = "backups/staging-cluster/\\..*draft";
  test.each<[string, Omit<Strike, "fault">, number]>([
    ["when half of it is written", { call: "writeFile", match: draft, when: "in" }, 0],
    ["when all of it is written and not in place", { call: "rename", match: draft, when: "before" }, 0],
    ["when it is in place", { call: "rename", match: draft, when: "after" }, 1],
    ["in the apply", { call: "spawn", match: "terraform apply", when: "in" }, 1],
    [
      "after the apply, before the new state is kept",
      { call: "spawn", match: "terraform apply", when: "after" },
      1,
    ],
  ])("%s", (point, strike, backups) => {
    const project = copyOfDeployed();
    // As of a project that was deployed before there were backups.
    rmSync(state(project, "backups"), { recursive: true });
    const before = readFileSync(stateOf(project));
    grow(project, 7);
    const { code } = struck(["deploy", "--sandbox", project.name, "--yes"], { ...strike, fault: "kill" });
    expect(code).toBeNull();
    expect(backupsOf(project)).toHaveLength(backups);
    for (const name of backupsOf(project))
      expect(readFileSync(state(project, "backups", CLUSTER, name))).toEqual(before);
    expectNothingLost(project, grown);
    expectCheckIsGood(project);
    injected({ area: AREA, fault: "deploy killed", point });
    project.remove();
  });
});

test("a backup that can't be made stops the apply of its stack before anything is touched", () => {
  const project = copyOfDeployed();
  rmSync(state(project, "backups"), { recursive: true });
  grow(project, 7);
  const cloud = project.read("clouds", "digitalocean.json");
  const files = () => [project.read("clouds", "digitalocean.json"), readFileSync(stateOf(project), "utf8")];
  const before = files();
  expect(before[0]).toBe(cloud);
  const result = struck(["deploy", "--sandbox", project.name, "--yes"], {
    call: "writeFile",
    match: "backups/staging-cluster",
    when: "in",
    fault: "ENOSPC",
  });
  expect([result.code, result.stderr]).toEqual([
    1,
    expect.stringMatching(
      /staging-cluster \(failed\): No backup of the state of staging-cluster can be made: \S*state\/backups\/staging-cluster\/\S+ can't be written: the disk is full[\s\S]*Without a backup nothing is applied: staging-cluster was not touched\./,
    ),
  ]);
  expect(files()).toEqual(before);
  expect(backupsOf(project)).toEqual([]);
  expectNothingLost(project, grown);
  injected({ area: AREA, fault: "disk full", point: "the backup of a state" });
  project.remove();
});

/** Only root may mount; elsewhere the test above stands for the backup, and a full disk is not injected into terraform. */
const canMount = process.getuid?.() === 0 && process.platform === "linux";

(canMount ? describe : describe.skip)("a disk that is really full", () => {
  const PAGE = 4096;
  const mounted: string[] = [];
  afterEach(() => {
    for (const folder of mounted.splice(0)) expect(spawnSync("umount", [folder]).status).toBe(0);
  });

  /** Puts the states of a project on a small disk of their own. */
  function onSmallDisk(project: SandboxProject): void {
    const folder = state(project);
    const aside = `${folder}.aside`;
    if (existsSync(folder)) renameSync(folder, aside);
    mkdirSync(folder, { recursive: true });
    const { status, stderr } = spawnSync(
      "mount",
      ["-t", "tmpfs", "-o", "size=512k,mode=700", "tmpfs", folder],
      {
        encoding: "utf8",
      },
    );
    expect([status, stderr]).toEqual([0, ""]);
    mounted.push(folder);
    if (!existsSync(aside)) return;
    copyFolder(aside, folder);
    rmSync(aside, { recursive: true });
  }

  const filler = (project: SandboxProject) => state(project, "filler");
  /** Leaves some pages of a disk free: one for the lock of each terraform that runs. */
  function fill(project: SandboxProject, { free }: { free: number }): void {
    spawnSync("dd", ["if=/dev/zero", `of=${filler(project)}`, `bs=${PAGE}`], { stdio: "ignore" });
    truncateSync(filler(project), statSync(filler(project)).size - free * PAGE);
  }

  test("in a first deploy: what terraform could not write is taken in by the next one", () => {
    const project = newProject();
    onSmallDisk(project);
    fill(project, { free: 2 });
    const full = project.run("deploy", "--yes");
    expect([full.code, full.stderr]).toEqual([
      1,
      expect.stringMatching(
        /Terraform could not write its state and left it in \S+errored\.tfstate[\s\S]*Keep that file/,
      ),
    ]);
    rmSync(filler(project));
    const next = project.run("deploy", "--yes");
    expect([next.code, next.stdout]).toEqual([
      0,
      expect.stringContaining("the state that Terraform could not write was written now"),
    ]);
    expectNothingLost(project, fresh);
    injected({ area: AREA, fault: "disk full", point: "terraform writes a first state" });
    spawnSync("umount", [mounted.pop() as string]);
    project.remove();
  });

  test("in a later deploy: the old state stays whole, the new one is taken in by the next deploy", () => {
    const project = copyOfDeployed();
    onSmallDisk(project);
    const before = readFileSync(stateOf(project));
    fill(project, { free: 2 });
    grow(project, 7);
    const full = project.run("deploy", "--yes");
    expect([full.code, full.stderr]).toEqual([1, expect.stringContaining("Keep that file")]);
    const copies = [
      stateOf(project),
      ...backupsOf(project).map((name) => state(project, "backups", CLUSTER, name)),
    ];
    expect(copies.some((file) => readFileSync(file).equals(before))).toBe(true);
    rmSync(filler(project));
    expectNothingLost(project, grown);
    injected({ area: AREA, fault: "disk full", point: "terraform writes a later state" });
    spawnSync("umount", [mounted.pop() as string]);
    project.remove();
  });
});

describe("a state is spoilt", () => {
  const project = newProject();
  let whole: Buffer;
  let older: Buffer;
  beforeAll(() => {
    copyFolder(deployed.directory, project.directory);
    older = readFileSync(stateOf(project));
    grow(project, 7);
    expect(project.run("deploy", "--yes").code).toBe(0);
    whole = readFileSync(stateOf(project));
  });
  afterAll(() => project.remove());

  test.each<[string, () => void, RegExp]>([
    [
      "cut off in its middle",
      () => truncateSync(stateOf(project), whole.length >> 1),
      /can't be read .*: no valid JSON: it is cut off/,
    ],
    [
      "zeros, as after a power cut",
      () => writeFileSync(stateOf(project), Buffer.alloc(whole.length)),
      /bytes of zeros/,
    ],
    [
      "empty",
      () => writeFileSync(stateOf(project), ""),
      /is empty .*, although staging-flux-configuration is deployed on it/,
    ],
    [
      "deleted",
      () => rmSync(stateOf(project)),
      /is missing .*, although staging-flux-configuration is deployed on it/,
    ],
    ["an older copy", () => writeFileSync(stateOf(project), older), /is older than its newest backup/],
  ])("%s: nothing is planned on it, and it is restored", (what, spoil, problem) => {
    spoil();
    const cloud = project.read("clouds", "digitalocean.json");
    const restoreCommand = `npm run state -- restore --sandbox ${project.name} --stack ${CLUSTER}`;
    const refused = project.run("deploy", "--yes");
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringMatching(problem)]);
    expect(refused.stderr).toContain(restoreCommand);
    expect(project.read("clouds", "digitalocean.json")).toBe(cloud);
    const restored = cli(restoreNewest(project));
    expect([restored.code, restored.stderr]).toEqual([0, ""]);
    expectNothingLost(project, grown);
    injected({ area: AREA, fault: "state spoilt", point: what });
  });
});

describe("restoring is killed", () => {
  const removal = "state/staging-cluster\\.tfstate$";
  test.each<[string, Omit<Strike, "fault">]>([
    ["in the copy of what is there", { call: "writeFile", match: "damaged/", when: "in" }],
    ["after the damaged state was removed", { call: "rm", match: removal, when: "after" }],
    ["when terraform writes", { call: "spawn", match: "terraform state push", when: "in" }],
    ["when terraform has written", { call: "spawn", match: "terraform state push", when: "after" }],
  ])("%s: it can be run again", (point, strike) => {
    const project = copyOfDeployed();
    const damaged = readFileSync(stateOf(project)).subarray(0, 2_000);
    writeFileSync(stateOf(project), damaged);
    const backups = backupsOf(project);
    const restore = restoreNewest(project);
    expect(struck(restore, { ...strike, fault: "kill" }).code).toBeNull();
    expect(backupsOf(project)).toEqual(expect.arrayContaining(backups));
    expect(unknownObjects(project)).toEqual([]);
    expect(cli(restore)).toMatchObject({ code: 0, stderr: "" });
    expectNothingLost(project, fresh);
    // What somebody may want to mend by hand is still there, byte for byte.
    const folder = state(project, "backups", CLUSTER, "damaged");
    const kept = readdirSync(folder).filter((name) => !name.startsWith("."));
    expect(kept.some((name) => readFileSync(join(folder, name)).equals(damaged))).toBe(true);
    injected({ area: AREA, fault: "restore killed", point });
    project.remove();
  });
});

describe("two at once", () => {
  const started: ChildProcess[] = [];
  afterEach(() => {
    for (const child of started.splice(0)) child.kill("SIGKILL");
  });

  test.each<[string, (project: SandboxProject) => CliResult]>([
    ["a second deploy", (project) => project.run("deploy", "--yes")],
    ["a restoration in a deploy", (project) => cli(restoreNewest(project))],
  ])("%s is refused and names the first one, which goes on", async (point, second) => {
    const project = copyOfDeployed();
    grow(project, 7);
    const first = project.start("deploy", "--yes");
    started.push(first);
    const ended = new Promise((resolve) => first.once("close", resolve));
    await new Promise<void>((resolve) => {
      first.stdout?.setEncoding("utf8").on("data", (text: string) => text.includes("planning") && resolve());
    });
    const refused = second(project);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining(
        `\`npm run deploy -- --sandbox ${project.name}\` is at work here (process ${first.pid})`,
      ),
    ]);
    expect(await ended).toBe(0);
    expectNothingLost(project, grown);
    injected({ area: AREA, fault: "two at once", point });
    project.remove();
  });
});
