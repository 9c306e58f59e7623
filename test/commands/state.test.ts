import { spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { REPOSITORY } from "../support/example";
import { type CliResult, cli, SandboxProject } from "../support/sandbox-project";

const project = new SandboxProject();
const state = (...args: string[]): CliResult =>
  cli(["state", args[0] as string, "--sandbox", project.name, ...args.slice(1)]);
/** How the place of its states is told. */
const STATES = `.sandbox/${project.name}/state/`;
const CLUSTER = ["state", "staging-cluster.tfstate"];
const backups = (stack = "staging-cluster"): string[] =>
  readdirSync(join(project.directory, "state", "backups", stack))
    .filter((name) => name.endsWith(".tfstate"))
    .sort();
const serial = () => project.json(...CLUSTER).serial as number;

beforeAll(() => {
  expect(project.run("deploy", "--yes").code).toBe(0);
});
afterAll(() => project.remove());

/** Spoils the state of a stack for one look at it. */
function withState(content: string | undefined, look: () => void): void {
  const whole = project.read(...CLUSTER);
  if (content === undefined) rmSync(join(project.directory, ...CLUSTER));
  else project.write(CLUSTER, content);
  try {
    look();
  } finally {
    writeFileSync(join(project.directory, ...CLUSTER), whole, { mode: 0o600 });
  }
}

describe("check", () => {
  test("a deployed project has nothing wrong, and a backup of each state from the deploy itself", () => {
    const { code, stdout, stderr } = state("check");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(
      /^staging-cluster +5 resources, serial \d+; 1 backup, the newest of \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC$/m,
    );
    expect(stdout).toContain("Nothing is wrong.");
  });

  test("--json has every stack with serial, lineage, lock and backups", () => {
    const report = JSON.parse(state("check", "--json", "--stack", "staging-cluster").stdout);
    const { lineage } = project.json(...CLUSTER);
    expect(report).toMatchObject({ exitCode: 0, store: STATES, findings: [] });
    expect(report.stacks).toMatchObject([
      { stack: "staging-cluster", configured: true, state: "state", serial: serial(), lineage, resources: 5 },
    ]);
    expect(report.stacks[0].backups).toMatchObject([{ serial: serial(), lineage: lineage.slice(0, 8) }]);
  });

  test("a state that is cut off is a finding that names its newest backup and the command", () => {
    withState(project.read(...CLUSTER).slice(0, 500), () => {
      const { code, stdout, stderr } = state("check");
      expect([code, stdout]).toEqual([1, expect.stringMatching(/^staging-cluster +damaged; 1 backup/m)]);
      expect(stderr).toContain(
        `state of staging-cluster can't be read (${STATES}staging-cluster.tfstate): no valid JSON: it is cut off`,
      );
      expect(stderr).toContain(`Its newest backup: ${backups()[0]} (`);
      expect(stderr).toContain(
        `Restore it: npm run state -- restore --sandbox ${project.name} --stack staging-cluster`,
      );
    });
  });

  test("status and diff name the restoration, too, of a state that is gone", () => {
    withState(undefined, () => {
      const restore = `npm run state -- restore --sandbox ${project.name} --stack staging-cluster`;
      const status = project.run("status", "--environment", "staging");
      expect([status.code, status.stdout]).toEqual([
        1,
        expect.stringMatching(/unknown +staging-cluster\n +state of staging-cluster is missing/),
      ]);
      expect(status.stdout).toContain(`\`${restore}\``);
      const diff = project.run("diff");
      expect([diff.code, diff.stderr]).toEqual([1, expect.stringContaining(restore)]);
      // An environment whose states are there is not held up.
      expect(project.run("diff", "--environment", "production").code).toBe(0);
    });
  });

  test("a state that is gone with its backups is lost as long as others are deployed on it", () => {
    const folder = join(project.directory, "state", "backups", "staging-cluster");
    const clouds = project.read("clouds", "digitalocean.json");
    renameSync(folder, `${folder}-aside`);
    try {
      withState(undefined, () => {
        const problem = `state of staging-cluster is missing (${STATES}staging-cluster.tfstate), although staging-flux-configuration and staging-github-secrets are deployed on it
    No backup of it can be read. docs/state.md#when-there-is-no-backup says what to do.`;
        const staging = ["--environment", "staging"];
        for (const result of [
          state("check"),
          project.run("diff", ...staging),
          project.run("deploy", "--yes", ...staging),
          project.run("destroy", "--yes", ...staging),
          project.run("outputs", ...staging),
        ])
          expect([result.code, result.stderr]).toEqual([1, expect.stringContaining(problem)]);
        expect(state("check").stdout).not.toContain("Nothing is wrong.");
      });
      expect(project.read("clouds", "digitalocean.json")).toBe(clouds);
    } finally {
      renameSync(`${folder}-aside`, folder);
    }
  });

  test("a state of another lineage than the backups was begun anew", () => {
    const other = { ...project.json(...CLUSTER), lineage: "99999999-0000-4000-8000-000000000000" };
    withState(JSON.stringify(other), () => {
      const { code, stderr } = state("check");
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(
          `state of staging-cluster is not the one that was backed up (${STATES}staging-cluster.tfstate: lineage 99999999-0000-4000-8000-000000000000`,
        ),
      ]);
    });
  });

  test("nothing is planned on production's state under the name of staging", () => {
    const clouds = project.read("clouds", "digitalocean.json");
    withState(project.read("state", "production-cluster.tfstate"), () => {
      for (const command of [["destroy", "--yes"], ["deploy", "--yes"], ["diff"]] as const) {
        const { code, stdout, stderr } = project.run(
          command[0],
          ...command.slice(1),
          "--environment",
          "staging",
        );
        expect([command, code, stdout]).toEqual([command, 1, expect.not.stringContaining("Plan")]);
        expect(stderr).toContain(
          `state of staging-cluster seems to be that of production (${STATES}staging-cluster.tfstate: its digitalocean_`,
        );
        expect(stderr).toContain(
          `Restore it: npm run state -- restore --sandbox ${project.name} --stack staging-cluster --backup ${backups()[0]} --force`,
        );
      }
      expect(project.read("clouds", "digitalocean.json")).toBe(clouds);
    });
  });

  test("no outputs are told from a state that is cut off or an older copy", () => {
    const older = { ...project.json(...CLUSTER), serial: 0 };
    for (const [content, problem] of [
      [project.read(...CLUSTER).slice(0, 500), "can't be read"],
      [JSON.stringify(older), "is older than its newest backup"],
    ] as const)
      withState(content, () => {
        const { code, stdout, stderr } = project.run("outputs", "--environment", "staging");
        expect([code, stdout]).toEqual([1, ""]);
        expect(stderr).toContain(`state of staging-cluster ${problem} (${STATES}staging-cluster.tfstate`);
        expect(stderr).toContain(
          `Restore it: npm run state -- restore --sandbox ${project.name} --stack staging-cluster`,
        );
        expect(stderr).not.toContain(project.directory);
      });
    expect(project.run("outputs", "--environment", "staging").code).toBe(0);
  });

  test("what terraform could not write where it took something over is taken in before that folder goes", () => {
    const left = { ...project.json(...CLUSTER), serial: serial() + 5 };
    const file = ["cdktf.out", "importing", "staging-cluster", "errored.tfstate"];
    const before = project.read(...CLUSTER);
    const known = backups();
    mkdirSync(join(project.directory, ...file, ".."), { recursive: true });
    project.write(file, JSON.stringify(left));
    try {
      const { code, stdout } = project.run("diff", "--stack", "staging-cluster");
      expect([code, stdout]).toEqual([
        0,
        expect.stringContaining("the state that Terraform could not write was written now"),
      ]);
      expect([serial(), project.exists(...file)]).toEqual([left.serial, false]);
    } finally {
      project.write(CLUSTER, before);
      for (const name of backups().filter((one) => !known.includes(one)))
        rmSync(join(project.directory, "state", "backups", "staging-cluster", name));
    }
  });

  test.each([
    ["empty", (file: string) => writeFileSync(file, "")],
    ["missing", (file: string) => rmSync(file)],
  ])(
    "states that are %s of an environment that was taken out are lost, and it is still deployed",
    (what, spoil) => {
      const configuration = project.read("infrastructure.config.json");
      const stacks = ["production-cluster", "production-flux-configuration", "production-github-secrets"];
      const whole = stacks.map((stack) => project.read("state", `${stack}.tfstate`));
      project.configure(({ environments }) => environments.pop());
      for (const stack of stacks) spoil(join(project.directory, "state", `${stack}.tfstate`));
      try {
        const check = state("check");
        expect(check.code).toBe(1);
        for (const stack of stacks)
          expect(check.stderr).toMatch(
            new RegExp(
              `state of ${stack} is ${what} .*although[^]*put its environment \\(or "github"\\) back\\. After that, restore it: npm run state -- restore .*--stack ${stack}\n`,
            ),
          );
        const status = project.run("status", "--json");
        expect([status.code, JSON.parse(status.stdout).project.orphanedStacks]).toEqual([2, stacks]);
        for (const command of [["diff"], ["deploy", "--yes"]] as const) {
          const { code, stdout } = project.run(command[0], ...command.slice(1), "--json");
          const { refused } = JSON.parse(stdout);
          expect([code, refused.map(({ kind }: any) => kind)]).toEqual([1, ["environment-removal"]]);
        }
      } finally {
        project.write(["infrastructure.config.json"], configuration);
        for (const [index, stack] of stacks.entries())
          writeFileSync(join(project.directory, "state", `${stack}.tfstate`), whole[index] as string, {
            mode: 0o600,
          });
      }
      expect(state("check")).toMatchObject({ code: 0, stderr: "" });
    },
  );

  test("a whole state of production that was taken out is not said to be destroyed by a command that refuses it", () => {
    const configuration = project.read("infrastructure.config.json");
    project.configure(({ environments }) => environments.pop());
    try {
      const { code, stderr } = state("check");
      expect([code, stderr]).toEqual([1, expect.stringContaining("docs/safety.md#giving-production-up")]);
      expect(stderr).not.toContain("npm run destroy");
    } finally {
      project.write(["infrastructure.config.json"], configuration);
    }
  });

  test("files that others can read, a damaged backup, and a state that the configuration doesn't have", () => {
    const file = join(project.directory, ...CLUSTER);
    const damaged = ["state", "backups", "staging-cluster", "20200101T000000000Z-1-abcdef01.tfstate"];
    chmodSync(file, 0o644);
    project.write(damaged, "{");
    chmodSync(join(project.directory, ...damaged), 0o600);
    const qa = join(project.directory, "state", "qa-cluster.tfstate");
    const own = { ...project.json(...CLUSTER), lineage: "77777777-0000-4000-8000-000000000000" };
    writeFileSync(qa, JSON.stringify(own).replaceAll("-staging", "-qa"), { mode: 0o600 });
    try {
      const { code, stdout, stderr } = state("check");
      expect(code).toBe(1);
      expect(stderr).toContain(
        `${STATES}: other users of this machine can get at staging-cluster.tfstate, and states hold credentials of clusters: chmod -R go-rwx .sandbox/${project.name}/state`,
      );
      expect(stderr).toContain(
        `${STATES}backups/staging-cluster/20200101T000000000Z-1-abcdef01.tfstate is damaged (no valid JSON: it is cut off), so that nothing can be restored from it: remove it`,
      );
      expect(stderr).toContain(
        "qa-cluster: the configuration has no such stack, and its state has 5 resources",
      );
      expect(stdout).toContain("3 findings.");
    } finally {
      chmodSync(file, 0o600);
      rmSync(join(project.directory, ...damaged));
      rmSync(qa);
    }
  });

  test("a command at work and one that left its lock behind are told", () => {
    const lock = `${project.directory}.lock`;
    try {
      writeFileSync(lock, JSON.stringify({ pid: process.pid, command: "deploy" }));
      expect(state("check").stdout).toContain(
        `Note: npm run deploy -- --sandbox ${project.name} (process ${process.pid}) is at work here`,
      );
      writeFileSync(lock, JSON.stringify({ pid: 99_999_999, command: "deploy" }));
      expect(state("check").stdout).toContain(
        `Note: npm run deploy -- --sandbox ${project.name} (process 99999999) left its lock behind and is gone: the next command takes it over.`,
      );
    } finally {
      rmSync(lock);
    }
  });

  test("terraform's own note of a lock that is gone needs nothing to be done", () => {
    const note = ["state", ".staging-cluster.tfstate.lock.info"];
    project.write(note, JSON.stringify({ ID: "1", Who: "kim@laptop", Created: "2026-11-21T18:30:00Z" }));
    chmodSync(join(project.directory, ...note), 0o600);
    const { code, stdout } = state("check");
    rmSync(join(project.directory, ...note));
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining(
        "Note: staging-cluster: Terraform's lock is left behind by kim@laptop since 2026-11-21 18:30:00 UTC",
      ),
    ]);
  });
});

describe("backup and list", () => {
  test("nothing new is told; a change is kept", () => {
    const again = state("backup", "--stack", "staging-cluster");
    expect([again.code, again.stdout]).toEqual([
      0,
      "staging-cluster: no new backup, unchanged since the newest backup\n",
    ]);
    const document = project.json(...CLUSTER);
    withState(JSON.stringify({ ...document, serial: document.serial + 1 }), () => {
      const report = JSON.parse(state("backup", "--json", "--stack", "staging-cluster").stdout);
      expect(report).toMatchObject({
        exitCode: 0,
        stacks: [{ stack: "staging-cluster", made: true, backup: { serial: document.serial + 1 } }],
      });
      expect(state("list", "--stack", "staging-cluster").stdout).toContain(
        `${report.stacks[0].backup.name} (`,
      );
      rmSync(join(project.directory, "state", "backups", "staging-cluster", report.stacks[0].backup.name));
    });
  });

  test("what a killed deploy has left without a backup gets one from the next, though nothing is left to change", () => {
    const kept = backups();
    const document = project.json(...CLUSTER);
    withState(JSON.stringify({ ...document, serial: document.serial + 1 }), () => {
      const { code, stdout } = project.run("deploy", "--yes", "--environment", "staging");
      expect([code, stdout]).toEqual([0, expect.stringContaining("\nNothing to change")]);
      const made = backups().filter((name) => !kept.includes(name));
      expect(made.at(-1)).toContain(`-${serial()}-`);
      for (const name of made) rmSync(join(project.directory, "state", "backups", "staging-cluster", name));
    });
  });

  test("a state that can't be copied is a failure, and the others are copied all the same", () => {
    withState("{", () => {
      const { code, stdout, stderr } = state("backup", "--environment", "staging");
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining(`staging-cluster: The state of staging-cluster (${STATES}) is damaged`),
      ]);
      expect(stdout).toContain("staging-flux-configuration: no new backup");
    });
  });
});

describe("restore", () => {
  test.each<[string[], string]>([
    [[], "Name the one stack to restore: npm run state -- restore"],
    [["--environment", "staging"], "Name the one stack to restore"],
    [["--stack", "staging-clutser"], "there is no such stack, expected staging-cluster"],
    [
      ["--stack", "staging-cluster", "--backup", "yesterday"],
      "--backup yesterday: there is no such backup of staging-cluster, expected latest or one of 2",
    ],
    [["--stack", "staging-cluster"], "Name one of them, or the newest: npm run state -- restore"],
    [
      ["--stack", "staging-cluster", "--backup", "latest"],
      "This needs approval, but this is not a terminal. Pass --yes",
    ],
    [
      ["--stack", "production-cluster", "--backup", "latest", "--yes"],
      "This is production: besides --yes, the name of its cluster has to be typed, but this is not a terminal. Pass --confirm my-startup-production.",
    ],
  ])("%j changes nothing and says what is missing", (args, message) => {
    const before = project.read(...CLUSTER);
    const { code, stderr } = state("restore", ...args);
    expect([code, stderr]).toEqual([1, expect.stringContaining(message)]);
    expect(project.read(...CLUSTER)).toBe(before);
  });

  test("an older state comes back above the present serial; what is forgotten is named, and kept", () => {
    const [first = ""] = backups();
    const document = project.json(...CLUSTER);
    const extra = {
      ...document.resources.find(({ type }: any) => type === "digitalocean_vpc"),
      name: "second-vpc",
    };
    project.write(
      CLUSTER,
      JSON.stringify({
        ...document,
        serial: document.serial + 3,
        resources: [...document.resources.filter(({ type }: any) => type !== "digitalocean_project"), extra],
      }),
    );
    const present = project.read(...CLUSTER);
    const args = ["--stack", "staging-cluster", "--backup", first, "--yes"];
    const { code, stdout, stderr } = state("restore", ...args);
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/Terraform knows them again:\n {2}digitalocean_project\.project\n/);
    expect(stdout).toMatch(/they stay in the cloud:\n {2}digitalocean_vpc\.second-vpc\n/);
    expect(stdout).toContain(`Next: npm run diff -- --sandbox ${project.name}`);
    expect(serial()).toBeGreaterThan(document.serial + 3);
    expect(project.json(...CLUSTER).resources).toEqual(document.resources);
    const kept = /What was there before is kept in \S+?\/state\/(\S+)\.$/m.exec(stdout)?.[1] ?? "";
    expect(project.read("state", ...kept.split("/"))).toBe(present);
    expect(project.run("diff").code).toBe(0);
  });

  test("a backup of another lineage takes --force", () => {
    const document = project.json(...CLUSTER);
    const other = JSON.stringify({ ...document, lineage: "99999999-0000-4000-8000-000000000000" });
    project.write(CLUSTER, other);
    const args = ["--stack", "staging-cluster", "--backup", backups()[0] as string, "--yes"];
    const refused = state("restore", ...args);
    expect([refused.code, refused.stderr]).toEqual([
      1,
      expect.stringContaining("the backup is of another lineage than the state that is there"),
    ]);
    expect(project.read(...CLUSTER)).toBe(other);
    expect(state("restore", ...args, "--force").code).toBe(0);
    expect(project.json(...CLUSTER).lineage).toBe(document.lineage);
    expect(project.run("diff").code).toBe(0);
  });

  test("a copy is made a backup and restored as docs/state.md says, also after a new state was begun", () => {
    const folder = join(project.directory, "state", "backups", "staging-cluster");
    const { serial, lineage, resources } = project.json(...CLUSTER);
    const name = `20261121T183000000Z-${serial}-${lineage.slice(0, 8)}.tfstate`;
    const [, commands = ""] =
      /^ +(\(umask 077; .*\))\n/m.exec(readFileSync(join(REPOSITORY, "docs", "state.md"), "utf8")) ?? [];
    const copy = join(project.directory, "copy.tfstate");
    writeFileSync(copy, project.read(...CLUSTER), { mode: 0o644 });
    renameSync(folder, `${folder}-aside`);
    try {
      const asTold = commands.replace("<copy>", copy).replace(/\d{8}T\S+\.tfstate/, name);
      const restore = ["--stack", "staging-cluster", "--backup", name, "--yes"];
      withState(undefined, () => {
        const { status } = spawnSync("sh", ["-c", `umask 022; ${asTold}`], { cwd: project.directory });
        expect([status, backups()]).toEqual([0, [name]]);
        const { stderr } = state("check", "--stack", "staging-cluster");
        expect(stderr).toContain(`Its newest backup: ${name} (`);
        expect(stderr).not.toContain("other users of this machine");
        expect(state("restore", ...restore).code).toBe(0);
        expect(project.json(...CLUSTER).resources).toEqual(resources);

        const begun = { ...project.json(...CLUSTER), lineage: "99999999-0000-4000-8000-000000000000" };
        project.write(CLUSTER, JSON.stringify(begun));
        const refused = state("restore", ...restore);
        expect([refused.code, refused.stderr]).toEqual([
          1,
          expect.stringContaining("If you mean it: --force"),
        ]);
        expect(state("check").stderr).toMatch(/Restore it: npm run state -- restore .* --force$/m);
        expect(state("restore", ...restore, "--force").code).toBe(0);
        expect(project.json(...CLUSTER)).toMatchObject({ lineage, resources });
        expect(state("check")).toMatchObject({ code: 0, stderr: "" });
      });
    } finally {
      rmSync(folder, { recursive: true, force: true });
      renameSync(`${folder}-aside`, folder);
    }
  });

  test("production is restored when the name of its cluster is given", () => {
    const file = ["state", "production-cluster.tfstate"];
    const { resources } = project.json(...file);
    project.write(file, "");
    const args = ["--stack", "production-cluster", "--backup", "latest"];
    const { code, stderr } = state("restore", ...args, "--confirm", "my-startup-production");
    expect([code, stderr]).toEqual([0, ""]);
    expect(project.json(...file).resources).toEqual(resources);
    expect(project.run("diff").code).toBe(0);
  });

  test("staging's state under the name of production is replaced as the messages say, and is never taken for a backup", () => {
    const file = ["state", "production-cluster.tfstate"];
    const own = project.json(...file);
    const foreign = project.read(...CLUSTER);
    const known = backups("production-cluster");
    project.write(file, foreign);
    const confirmed = ["--yes", "--confirm", "my-startup-production"];
    const noBackup = state("backup", "--stack", "production-cluster");
    expect([noBackup.code, noBackup.stderr]).toEqual([
      1,
      expect.stringContaining("no backup is made: state of production-cluster seems to be that of staging"),
    ]);
    expect(backups("production-cluster")).toEqual(known);
    const advice = /restore --sandbox \S+ (--stack production-cluster --backup \S+ --force)$/m;
    const [, named = ""] = advice.exec(state("check").stderr) ?? [];
    const { code, stdout } = state("restore", ...named.split(" "), ...confirmed);
    expect([code, project.json(...file).resources]).toEqual([0, own.resources]);
    const kept = /What was there before is kept in \S+?\/state\/(\S+)\.$/m.exec(stdout)?.[1] ?? "";
    expect(kept).toMatch(/^backups\/production-cluster\/foreign\//);
    expect(project.read("state", ...kept.split("/"))).toBe(foreign);
    // The restored state has a backup of its own, and that is the only new one.
    const added = backups("production-cluster").filter((name) => !known.includes(name));
    expect(added).toHaveLength(1);
    expect(project.read("state", "backups", "production-cluster", added[0] as string)).toBe(
      project.read(...file),
    );
    expect(state("check")).toMatchObject({ code: 0, stderr: "" });

    // What an earlier version, or a hand, put among the backups is told and passed over, and taken by its name with --force only.
    const wrong = `20990101T000000000Z-${serial()}-${project.json(...CLUSTER).lineage.slice(0, 8)}.tfstate`;
    const place = ["state", "backups", "production-cluster", wrong];
    project.write(place, foreign);
    chmodSync(join(project.directory, ...place), 0o600);
    const told = state("check");
    expect([told.code, told.stderr]).toEqual([
      1,
      expect.stringContaining(`production-cluster: the backup ${wrong} seems to be that of staging`),
    ]);
    expect(told.stderr).toContain(
      "so that a plan on it, once it is restored, would change or destroy what staging has: move it out of that folder",
    );
    rmSync(join(project.directory, ...file));
    const of = ["--stack", "production-cluster", ...confirmed];
    const refused = state("restore", "--backup", wrong, ...of);
    expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("If you mean it: --force")]);
    expect(project.exists(...file)).toBe(false);
    expect(state("restore", "--backup", "latest", ...of).code).toBe(0);
    expect(project.json(...file).resources).toEqual(own.resources);
    rmSync(join(project.directory, ...place));
    expect(project.run("diff").code).toBe(0);
  });

  test("nothing of a state is printed but addresses", () => {
    const result = state("check", "--json");
    const { outputs } = project.json(...CLUSTER);
    expect(result.stdout + result.stderr).not.toContain(outputs.cluster_id.value);
  });
});
