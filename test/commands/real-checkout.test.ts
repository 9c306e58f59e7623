import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { EXAMPLE_TEXT, REPOSITORY } from "../support/example";
import { copyProject, GIT_ENVIRONMENT, git } from "../support/git-checkout";
import { plainEnvironment } from "../support/sandbox-project";

/**
 * Checkouts as a team has them, with Git and a remote, on the clouds of a sandbox: its variables are what .env is elsewhere, so that
 * the commands take them for the real ones.
 */
const folder = mkdtempSync(join(tmpdir(), "real-checkout-"));
const theirs = join(folder, "their plätze");
const ours = join(folder, "our checkout");
const CONFIGURATION = "infrastructure.config.json";

function configuration(nodeCount: number): string {
  const document = JSON.parse(EXAMPLE_TEXT.replaceAll("example.com", "acme.example"));
  document.environments = [document.environments[0]];
  document.environments[0].cluster.nodeCount = nodeCount;
  Object.assign(document.github, { owner: "acme", repository: "platform", branch: "main" });
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** A checkout's packages and programs, as the first command in it would make them. */
function prepare(checkout: string): void {
  symlinkSync(join(REPOSITORY, "node_modules"), join(checkout, "node_modules"));
  cpSync(join(REPOSITORY, "dist"), join(checkout, "dist"), { recursive: true });
  utimesSync(join(checkout, "dist", "built"), new Date(), new Date());
}

/** Runs a command in a checkout, with the variables of the sandbox's clouds. */
function run(checkout: string, args: string, variable = "") {
  // What the plain CLI needs to find the sandbox's own directory.
  const own = "HYBRID_GITOPS_DIRECTORY HYBRID_GITOPS_CONFIG HYBRID_GITOPS_STATE CDKTF_OUTPUT";
  const inside = `unset ${own}; cd "$CHECKOUT" && ${variable} exec node scripts/hybrid-gitops.mjs ${args}`;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["scripts/hybrid-gitops.mjs", "sandbox", "--sandbox", "team", "sh", "-c", inside],
    {
      cwd: theirs,
      encoding: "utf8",
      env: { ...plainEnvironment(), ...GIT_ENVIRONMENT, CHECKOUT: checkout },
    },
  );
  return { code: status, stdout, stderr };
}

const clouds = () => readFileSync(join(theirs, ".sandbox/team/clouds/digitalocean.json"), "utf8");

beforeAll(() => {
  // The programs are as new as the sources.
  spawnSync(process.execPath, ["scripts/prepare.mjs"], { cwd: REPOSITORY });
  copyProject(theirs);
  writeFileSync(join(theirs, CONFIGURATION), configuration(6));
  git(theirs, "init", "--quiet", "--initial-branch=main");
  git(theirs, "add", "--all");
  git(theirs, "commit", "--quiet", "-m", "six nodes");
  const remote = join(folder, "acme", "platform.git");
  mkdirSync(join(folder, "acme"));
  git(folder, "init", "--quiet", "--bare", "--initial-branch=main", remote);
  git(theirs, "remote", "add", "origin", remote);
  git(theirs, "push", "--quiet", "origin", "main");
  git(folder, "clone", "--quiet", remote, ours);
  writeFileSync(join(theirs, CONFIGURATION), configuration(9));
  git(theirs, "commit", "--quiet", "-am", "nine nodes");
  git(theirs, "push", "--quiet", "origin", "main");
  for (const checkout of [theirs, ours]) prepare(checkout);
  const deployed = run(theirs, "deploy --yes --stack staging-cluster");
  expect(deployed.code).toBe(0);
  cpSync(join(theirs, "state"), join(ours, "state"), { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a deploy that leaves Flux out succeeds for a person, and fails with --require-flux and in CI", () => {
  const deploy = (options: string, variable?: string) =>
    run(theirs, `deploy --yes --stack staging-cluster ${options}`, variable);
  expect(deploy("").code).toBe(0);
  for (const { code, stderr } of [deploy("--require-flux"), deploy("", "CI=true")])
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("staging: this deploy fails, since Flux was not installed ("),
    ]);
});

test("status without a token says that it did not look for clusters elsewhere", () => {
  const [state, aside] = [join(ours, "state"), join(folder, "state")];
  renameSync(state, aside);
  try {
    const { stdout } = run(ours, "status", "DIGITALOCEAN_TOKEN=");
    expect(stdout.replace(/\s+/g, " ")).toContain(
      "Whether DigitalOcean has a cluster of this name all the same is not known: DIGITALOCEAN_TOKEN is not set.",
    );
  } finally {
    renameSync(aside, state);
  }
});

describe("a checkout that is behind what a colleague has pushed and deployed", () => {
  const BEHIND = "This checkout is behind origin/main by 1 commit.";

  test("diff says so with the plan that would take it back", () => {
    const { code, stdout, stderr } = run(ours, "diff --stack staging-cluster");
    expect([code, stdout]).toEqual([2, expect.stringMatching(/node_count: 9 -> 6/)]);
    expect(stderr).toContain(`${BEHIND} The plan above would take back what others have deployed since.`);
  });

  test("deploy --yes is refused before anything is touched", () => {
    const before = clouds();
    const { code, stderr } = run(ours, "deploy --yes --stack staging-cluster");
    expect([code, stderr]).toEqual([1, expect.stringContaining(`${BEHIND} A deploy would take back`)]);
    expect(stderr).toContain(
      "Run `git pull origin main` first. To deploy this state on purpose, add --if-behind deploy.",
    );
    expect(clouds()).toBe(before);
  });

  test("--if-behind skip leaves it to the deploy of the newer commit, and is a success", () => {
    const before = clouds();
    const { code, stdout } = run(ours, "deploy --yes --if-behind skip", "GITHUB_ACTIONS=true");
    expect([code, stdout]).toEqual([0, expect.stringContaining(`::notice title=Not deployed::${BEHIND}`)]);
    expect(clouds()).toBe(before);
  });

  test("status calls it out of step, with the command that helps", () => {
    const { code, stdout } = run(ours, "status");
    expect([code, stdout]).toEqual([2, expect.stringMatching(/out of step\s+checkout/)]);
    expect(stdout).toContain(`${BEHIND}`);
    expect(stdout).toContain("`git pull origin main` brings it up to date");
  });

  describe("and whose standing can't be asked for", () => {
    const remote = join(folder, "acme", "platform.git");
    const head = () => git(ours, "rev-parse", "HEAD");
    const remembers = (commit: string) => git(ours, "update-ref", "refs/remotes/origin/main", commit);
    afterEach(() => {
      if (existsSync(`${remote}.away`)) renameSync(`${remote}.away`, remote);
      git(ours, "remote", "set-url", "origin", remote);
      git(ours, "checkout", "--quiet", CONFIGURATION);
    });

    const refused = (said: string, args = "", variable = "") => {
      const before = clouds();
      const { code, stderr } = run(ours, `deploy --yes --stack staging-cluster ${args}`, variable);
      expect([code, stderr]).toEqual([1, expect.stringContaining(said)]);
      expect(stderr).toContain(
        "To deploy this state on purpose, add --if-behind deploy. Nothing was changed.",
      );
      expect(clouds()).toBe(before);
    };

    test("offline, what was fetched last is refused", () => {
      git(ours, "fetch", "--quiet");
      renameSync(remote, `${remote}.away`);
      refused("This checkout is behind origin/main by 1 commit, by what was fetched last (origin/main can't");
    });

    test("CI that can't ask the remote fails before it applies anything", () => {
      remembers(head());
      renameSync(remote, `${remote}.away`);
      const unknown = "Whether this checkout is behind is not known: origin/main can't be read: ";
      refused(unknown, "--if-behind skip", "CI=true GITHUB_ACTIONS=true");
      refused(unknown, "", "CI=true");
    });

    test("a clone of a fork is refused", () => {
      git(ours, "remote", "set-url", "origin", "https://github.com/me/platform.git");
      refused("the remote origin is https://github.com/me/platform.git, and Flux reads acme/platform");
      const { code, stderr } = run(ours, "diff --stack staging-cluster");
      expect(code).toBe(2);
      expect(stderr).toContain("The plan above could take back what others have deployed.");
    });

    test("a checkout of another owner is refused", () => {
      refused("git refuses to read it (dubious ownership)", "", "GIT_TEST_ASSUME_DIFFERENT_OWNER=1");
    });

    test("without github in the configuration it is compared with its upstream", () => {
      const { github: _, ...document } = JSON.parse(configuration(6));
      writeFileSync(join(ours, CONFIGURATION), JSON.stringify(document));
      refused("This checkout is behind origin/main by 1 commit. A deploy would take back");
    });
  });

  test("after git pull the same deploy has nothing to take back", () => {
    git(ours, "pull", "--quiet");
    const { code, stdout, stderr } = run(ours, "diff --stack staging-cluster");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).not.toContain("behind");
  });
});

test("--push where nothing can be pushed is refused before anything is touched", () => {
  git(theirs, "remote", "rename", "origin", "old");
  git(theirs, "remote", "set-url", "old", "https://github.com/acme/other.git");
  try {
    const { code, stderr } = run(theirs, "deploy --yes --push");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("Nothing was pushed: the remote old is https://github.com/acme/other.git"),
    ]);
    expect(stderr).toMatch(/Fix: git remote add origin http:\/\/127\.0\.0\.1:\d+\/acme\/platform\.git/);
  } finally {
    git(theirs, "remote", "set-url", "old", join(folder, "acme", "platform.git"));
    git(theirs, "remote", "rename", "old", "origin");
  }
});

describe("a project without a repository of its own", () => {
  beforeAll(() => rmSync(join(ours, ".git"), { recursive: true }));

  test("from a zip is deployed with a note, and status says that it can't be compared", () => {
    const { code, stderr, stdout } = run(ours, "diff --stack staging-cluster");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(
      "Note: Whether this checkout is behind is not known: this is no Git checkout. Fix: clone",
    );
    expect(run(ours, "status").stdout).toMatch(/not compared\s+checkout/);
  });

  test("in a subfolder of a repository is refused by deploy, and diff and status say so", () => {
    git(folder, "init", "--quiet");
    git(folder, "add", "our checkout/package.json", "our checkout/flux");
    const deployed = run(ours, "deploy --yes --if-behind deploy");
    expect([deployed.code, deployed.stderr]).toEqual([
      1,
      expect.stringContaining("the project is in the subfolder our checkout of its Git repository."),
    ]);
    expect(deployed.stderr).toContain("git subtree split --prefix='our checkout' --branch project");
    const diff = run(ours, "diff --stack staging-cluster");
    expect([diff.code, diff.stderr]).toEqual([1, expect.stringContaining("A deploy would be refused.")]);
    expect(run(ours, "status").stdout).toMatch(/misplaced\s+checkout/);
  });
});
