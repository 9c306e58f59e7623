import { spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { cpSync, readFileSync, renameSync } from "node:fs";
import { join, relative } from "node:path";
import { describeWithTools } from "../flux-tree/schema-tools";
import { REPOSITORY } from "../support/example";
import { cli, plainEnvironment, SandboxProject } from "../support/sandbox-project";

type Change = (document: Record<string, any>) => void;

/** What a refused deploy must leave as it is: clouds, states, the tree, secrets and keys. cdktf.out is recreated by each command. */
function contents(project: SandboxProject): Record<string, string> {
  const files = project
    .files()
    .map((file) => relative(project.directory, file))
    .filter((file) => !file.startsWith("cdktf.out") && file !== "infrastructure.config.json");
  return Object.fromEntries(
    files.sort().map((file) => [
      file,
      createHash("sha256")
        .update(readFileSync(join(project.directory, file)))
        .digest("hex"),
    ]),
  );
}

/** Deployed once, with a range of its own for production's network. */
function deployedProject(): SandboxProject {
  const project = new SandboxProject((document) => {
    delete document.github;
    document.environments[1].cluster.vpcIpRange = "10.20.0.0/16";
  });
  const { code, stderr } = project.run("deploy", "--yes");
  expect([code, stderr]).toEqual([0, ""]);
  return project;
}

/** Runs something with a changed configuration, and puts the old one back. */
function withChange<Result>(project: SandboxProject, change: Change, work: () => Result): Result {
  const before = readFileSync(project.configuration, "utf8");
  project.configure(change);
  try {
    return work();
  } finally {
    project.write(["infrastructure.config.json"], before);
  }
}

/** util-linux's script(1) lends a pseudo-terminal; BSD's takes other options. */
const hasTerminal = /util-linux/.test(spawnSync("script", ["--version"], { encoding: "utf8" }).stdout ?? "");

/** Runs a deploy at a terminal, where a question that begins with some words is answered. */
async function deployAtTerminal(
  project: SandboxProject,
  options: string,
  question: string,
  answer: string,
): Promise<{ code: number | null; text: string }> {
  const command = `'${process.execPath}' scripts/hybrid-gitops.mjs deploy --sandbox ${project.name} ${options}`;
  const child = spawn("script", ["-qec", command, "/dev/null"], { cwd: REPOSITORY, env: plainEnvironment() });
  let text = "";
  child.stdout.setEncoding("utf8").on("data", (part: string) => {
    const asked = text.includes(question);
    text += part;
    if (!asked && text.includes(question)) child.stdin.write(`${answer}\n`);
  });
  const code = await new Promise<number | null>((resolve) => child.once("close", resolve));
  return { code, text };
}

describe("dangerous changes", () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = deployedProject();
  });
  afterAll(() => project.remove());

  test.each<[string, string, RegExp, Change]>([
    [
      "region-change",
      "environments[0].cluster.region",
      /staging is deployed in nyc3, and would be in fra1/,
      ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
      },
    ],
    [
      "project-rename",
      "project.name",
      /the cluster of staging is my-startup-staging, and would be renamed-staging/,
      (document) => {
        document.project.name = "renamed";
      },
    ],
    [
      "cluster-loss",
      "environments[0].cluster",
      /digitalocean_kubernetes_cluster\.cluster would be replaced.*\(region: "nyc3" -> "fra1"/,
      ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
      },
    ],
    [
      "vpc-loss",
      "environments[0].cluster",
      /digitalocean_vpc\.vpc would be replaced/,
      ({ environments: [staging] }) => {
        staging.cluster.vpcIpRange = "10.30.0.0/16";
      },
    ],
    [
      "vpc-range-change",
      "environments[1].cluster.vpcIpRange",
      /the VPC of production has 10\.20\.0\.0\/16, and would have 10\.21\.0\.0\/16/,
      ({ environments: [, production] }) => {
        production.cluster.vpcIpRange = "10.21.0.0/16";
      },
    ],
    [
      "region-change",
      "environments[1].cluster.region",
      /production is deployed in nyc3, and would be in ams3/,
      ({ environments: [, production] }) => {
        production.cluster.region = "ams3";
      },
    ],
    [
      "domain-loss",
      "project.domain",
      /the zone of acme\.example belongs to production, and would be deleted for that of other\.example/,
      (document) => {
        document.project.domain = "other.example";
      },
    ],
    [
      "domain-loss",
      "environments[1].domain",
      /every host of production is in acme\.example, and would be in other\.example/,
      ({ environments: [, production] }) => {
        production.domain = "other.example";
      },
    ],
    [
      "ha-removal",
      "environments[1].cluster.haControlPlane",
      /cluster\.haControlPlane would go from true to false/,
      ({ environments: [, production] }) => {
        production.cluster.haControlPlane = false;
      },
    ],
    [
      "version-skip",
      "environments[0].cluster.version",
      /staging runs Kubernetes 1\.34, and the configuration wants 1\.36/,
      ({ environments: [staging] }) => {
        staging.cluster.version = "1.36";
      },
    ],
    [
      "storage-shrink",
      "environments[0].storage.bulk.size",
      /staging: storage\.bulk would shrink from 50Gi to 20Gi/,
      ({ environments: [staging] }) => {
        staging.storage = { bulk: { size: "20Gi" } };
      },
    ],
    [
      "storage-class-change",
      "environments[0].storage.fast.storageClass",
      /staging: the volumes of storage\.fast are of the StorageClass do-block-storage, and would be of do-block-storage-retain/,
      ({ environments: [staging] }) => {
        staging.storage = { fast: { storageClass: "do-block-storage-retain" } };
      },
    ],
    [
      "environment-removal",
      "environments",
      /staging-cluster, staging-flux-configuration are deployed, but no longer in .* \(taken out or renamed\)/,
      ({ environments }) => {
        environments.shift();
      },
    ],
  ])("%s: diff and deploy refuse and name %s, and nothing is touched", (kind, field, problem, change) => {
    const before = contents(project);
    withChange(project, change, () => {
      for (const [command, ...args] of [["diff"], ["deploy", "--yes"]] as const) {
        const { code, stdout, stderr } = project.run(command, ...args, "--json");
        expect([command, code]).toEqual([command, 1]);
        const found = JSON.parse(stdout).refused.find(
          (refusal: any) => refusal.kind === kind && refusal.field === field,
        );
        expect(found).toMatchObject({ problem: expect.stringMatching(problem) });
        expect(found.consequence.length).toBeGreaterThan(20);
        expect(stderr).toContain(`${found.field}: ${found.problem} [${kind}]`);
        expect(stderr).toContain(`    Instead: ${found.remedy}`);
        if (found.deadEnd === undefined)
          expect(stderr).toMatch(
            new RegExp(`If you mean it: npm run deploy -- --sandbox \\S+.* --allow ${kind}`),
          );
        else {
          // Where no --allow gets anybody further none is suggested.
          expect(stderr).not.toContain("If you mean it");
          expect(stderr).toMatch(
            new RegExp(`No --allow carries this out\\. Change .*${field.replace(/[[\].]/g, "\\$&")}`),
          );
        }
      }
    });
    expect(contents(project)).toEqual(before);
  });

  test.each<[string, Change]>([
    [
      "project-rename",
      (document) => {
        document.project.name = "renamed";
      },
    ],
    [
      "domain-loss",
      ({ environments: [, one] }) => {
        one.domain = "app.acme.example";
      },
    ],
    [
      "storage-shrink",
      ({ environments: [one] }) => {
        one.storage = { bulk: { size: "20Gi" } };
      },
    ],
    [
      "storage-class-change",
      ({ environments: [one] }) => {
        one.storage = { fast: { storageClass: "do-block-storage-retain" } };
      },
    ],
    [
      "environment-removal",
      ({ environments }) => {
        environments.shift();
      },
    ],
  ])("%s: the command that is suggested, run as it is printed, gets through", (kind, change) => {
    const copy = `${project.directory}-copy`;
    cpSync(project.directory, copy, { recursive: true, verbatimSymlinks: true });
    try {
      project.configure(change);
      const { stderr } = project.run("deploy", "--yes");
      const [, command = "", arguments_ = ""] = /If you mean it: npm run (\S+) -- (.*)/.exec(stderr) ?? [];
      expect(arguments_).toContain(`--allow ${kind}`);
      const confirm = /\(without a terminal: (--confirm \S+)\)/.exec(stderr)?.[1]?.split(" ") ?? [];
      const { code } = cli([command, ...arguments_.split(" "), ...confirm]);
      expect(code).toBe(0);
    } finally {
      project.remove();
      renameSync(copy, project.directory);
    }
  });

  test.each<[string, Change, RegExp]>([
    [
      "region",
      ({ environments: [one] }) => {
        one.cluster.region = "fra1";
      },
      /No --allow carries this out/,
    ],
    [
      "region, of production",
      ({ environments: [, one] }) => {
        one.cluster.region = "fra1";
      },
      /No --allow carries this out/,
    ],
  ])("another %s is told once, and what is protected too", (_, change, way) => {
    const { stdout, stderr } = withChange(project, change, () => project.run("deploy", "--yes"));
    const text = stdout + stderr;
    expect(text).toMatch(way);
    expect(text.match(/protect/g) ?? []).toHaveLength(text.includes("plan failed") ? 1 : 0);
  });

  test("of a project that is renamed what its environments have in common is told once", () => {
    const { stderr } = withChange(
      project,
      (document) => {
        document.project.name = "renamed";
      },
      () => project.run("diff"),
    );
    expect(stderr.match(/\[project-rename\]/g)).toHaveLength(2);
    for (const line of [/^ {4}Instead: /gm, /^ {4}If allowed, /gm])
      expect(stderr.match(line)).toHaveLength(1);
  });

  test("the suggested command keeps the selection that was given", () => {
    const { stderr } = withChange(
      project,
      ({ environments: [staging] }) => {
        staging.storage = { bulk: { size: "20Gi" } };
      },
      () => project.run("deploy", "--yes", "--environment", "staging"),
    );
    expect(stderr).toContain(
      `If you mean it: npm run deploy -- --sandbox ${project.name} --environment staging --yes --allow storage-shrink`,
    );
  });

  test("an environment that is taken out: destroy and status say what has to come back", () => {
    withChange(
      project,
      ({ environments }) => {
        environments.shift();
      },
      () => {
        const way = new RegExp(
          `put staging back into \\S+, and its folders into flux/\\. To get rid of it: put it back, run \\S*npm run destroy -- --sandbox ${project.name} --environment staging`,
        );
        for (const option of [
          ["--environment", "staging"],
          ["--stack", "staging-cluster"],
        ]) {
          const { code, stderr } = project.run("destroy", "--yes", ...option);
          expect([code, stderr]).toEqual([1, expect.stringMatching(way)]);
        }
        expect(project.run("status").stdout.replace(/\s+/g, " ")).toMatch(way);
        expect(project.run("destroy", "--environment", "qa").stderr).toContain(
          "there is no such environment",
        );
      },
    );
  });

  test("what is refused is in the comment on a pull request", () => {
    const comment = join(project.directory, "cdktf.out", "comment.md");
    withChange(
      project,
      ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
      },
      () => expect(project.run("diff", "--markdown", comment).code).toBe(1),
    );
    expect(readFileSync(comment, "utf8")).toMatch(
      /\*\*A deploy would refuse this:\*\*\n\n```\n[\s\S]*environments\[0\]\.cluster\.region: staging is deployed in nyc3[\s\S]*\n```\n/,
    );
  });

  test("one danger that is allowed doesn't let another one through", () => {
    const before = contents(project);
    const { code, stdout } = withChange(
      project,
      ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
      },
      () => project.run("deploy", "--yes", "--json", "--allow", "region-change,vpc-loss"),
    );
    expect([code, JSON.parse(stdout).refused.map(({ kind }: any) => kind)]).toEqual([1, ["cluster-loss"]]);
    expect(contents(project)).toEqual(before);
  });

  test("a danger that doesn't exist is answered with the nearest one, and --help lists all", () => {
    const { code, stderr } = project.run("deploy", "--allow", "regoin-change");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("there is no such danger, expected region-change"),
    ]);
    for (const command of ["deploy", "diff"])
      expect(project.run(command, "--help").stdout).toMatch(/^ {2}pods-without-room +the pods would ask/m);
  });

  test.each<[string, (objects: any) => void]>([
    ["deleted", (objects) => delete objects.ConfigMap["flux-system/infrastructure-config"]],
    [
      "left without YAML",
      (objects) => {
        objects.ConfigMap["flux-system/infrastructure-config"].data["values.yaml"] = "storage: [";
      },
    ],
  ])(
    "volumes stay what they are when the ConfigMap was %s by hand: shrinking them is refused",
    (_how, change) => {
      const { cluster_id: id } = project.json("state", "staging-cluster.tfstate").outputs;
      const place = ["clouds", "kubernetes", `${id.value}.json`];
      const before = project.read(...place);
      const cluster = JSON.parse(before);
      change(cluster.objects);
      project.write(place, JSON.stringify(cluster));
      try {
        const shrink: Change = ({ environments: [staging] }) => {
          staging.storage = { fast: { storageClass: "other-class" }, bulk: { size: "20Gi" } };
        };
        const { code, stdout, stderr } = withChange(project, shrink, () =>
          project.run("diff", "--environment", "staging"),
        );
        expect([code, stdout + stderr]).toEqual([
          1,
          expect.stringMatching(/\[storage-shrink\][\s\S]*\[storage-class-change\]/),
        ]);
      } finally {
        project.write(place, before);
      }
    },
  );

  test("a project that is renamed asks for the name that production's cluster has", () => {
    const { code, stdout, stderr } = withChange(
      project,
      (document) => {
        document.project.name = "renamed";
      },
      () => project.run("diff"),
    );
    expect(code).toBe(1);
    expect(stdout + stderr).toContain("(without a terminal: --confirm my-startup-production)");
    expect(stdout + stderr).not.toContain("--confirm renamed");
  });

  test("in production the cluster's name is asked for besides, and without a terminal nothing goes on without it", () => {
    const change: Change = ({ environments: [, production] }) => {
      production.storage = { bulk: { size: "50Gi" } };
    };
    const before = contents(project);
    const allowed = ["deploy", "--yes", "--allow", "storage-shrink"] as const;
    for (const confirmed of [[], ["--confirm", "my-startup-staging"], ["--confirm", "production"]]) {
      const refused = withChange(project, change, () => project.run(...allowed, ...confirmed));
      expect([refused.code, refused.stderr]).toEqual([
        1,
        expect.stringContaining("this is not a terminal. Pass --confirm my-startup-production"),
      ]);
    }
    expect(contents(project)).toEqual(before);
  });

  test("ha-removal that is allowed is refused by the cloud itself, and the cluster stays", () => {
    const before = project.json("state", "production-cluster.tfstate").outputs.cluster_id.value;
    const { code, stdout, stderr } = withChange(
      project,
      ({ environments: [, production] }) => {
        production.cluster.haControlPlane = false;
      },
      () => project.run("deploy", "--yes", "--allow", "ha-removal", "--confirm", "my-startup-production"),
    );
    expect(stdout).toContain("Dangerous, and allowed by --allow:");
    expect([code, stderr]).toEqual([
      1,
      expect.stringMatching(/production-cluster \((?:failed|partly applied)\)/),
    ]);
    expect(project.read("clouds", "digitalocean.json")).toContain(before);
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(project.run("diff").code).toBe(0);
  });

  test("what Terraform protects in production no --allow lets through", () => {
    const before = contents(project);
    const { code, stderr } = withChange(
      project,
      ({ environments: [, production] }) => {
        production.cluster.vpcIpRange = "10.21.0.0/16";
      },
      () =>
        project.run(
          ...["deploy", "--yes", "--allow", "vpc-range-change,vpc-loss,cluster-loss"],
          ...["--confirm", "my-startup-production"],
        ),
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("digitalocean_vpc.vpc is protected")]);
    expect(contents(project)).toEqual(before);
  });

  test("an environment that is taken out on purpose stays as it is, and the others are deployed", () => {
    const { code, stdout } = withChange(
      project,
      ({ environments }) => {
        environments.shift();
      },
      () => project.run("deploy", "--yes", "--allow", "environment-removal"),
    );
    expect([code, stdout]).toEqual([0, expect.stringContaining("Nothing to change")]);
    expect(project.read("clouds", "digitalocean.json")).toContain("my-startup-staging");
  });

  test("storage that is allowed to shrink shrinks in the ConfigMap", () => {
    project.configure(({ environments: [staging] }) => {
      staging.storage = { bulk: { size: "20Gi" } };
    });
    expect(project.run("deploy", "--yes", "--allow", "storage-shrink").code).toBe(0);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_storage_bulk_size).toBe("20Gi");
    expect(project.run("diff").code).toBe(0);
  });

  test("with all of its dangers allowed another region is refused by the cloud before anything is lost", () => {
    const before = project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value;
    const clouds = project.read("clouds", "digitalocean.json");
    const { code, stderr } = withChange(
      project,
      ({ environments: [staging] }) => {
        staging.cluster.region = "fra1";
      },
      () => {
        const kinds = ["region-change", "cluster-loss", "vpc-loss"];
        return project.run("deploy", "--yes", ...kinds.flatMap((kind) => ["--allow", kind]));
      },
    );
    // The new network comes first, since the pools are made before the old ones go, and its name is taken.
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining('a VPC with the name "my-startup-staging" already exists'),
    ]);
    expect(stderr).toContain("It is the one that would be replaced, which is in use");
    expect(stderr).not.toContain("Rename or remove");
    expect(project.read("clouds", "digitalocean.json")).toBe(clouds);
    expect(project.json("state", "staging-cluster.tfstate").outputs.cluster_id.value).toBe(before);
    // Terraform has moved the outputs already: taking the change back is no move to another region.
    expect(project.run("deploy", "--yes").code).toBe(0);
    expect(project.read("clouds", "digitalocean.json")).toBe(clouds);
    expect(project.run("diff").code).toBe(0);
  });

  (hasTerminal ? test : test.skip)(
    "at a terminal the name of production's cluster is typed, whatever --yes says",
    async () => {
      project.configure(({ environments: [, production] }) => {
        production.storage = { bulk: { size: "50Gi" } };
      });
      const before = contents(project);
      const deploy = (answer: string) =>
        deployAtTerminal(
          project,
          "--environment production --yes --allow storage-shrink",
          "Type the name of its cluster, my-startup-production, to go on.",
          answer,
        );
      for (const answer of ["yes", "production", ""]) {
        const { code, text } = await deploy(answer);
        expect([code, text]).toEqual([1, expect.stringContaining("Nothing was changed.")]);
      }
      expect(contents(project)).toEqual(before);
      expect((await deploy("my-startup-production")).code).toBe(0);
      expect(project.configMap("production", "infrastructure-vars").infraConfig_storage_bulk_size).toBe(
        "50Gi",
      );
    },
  );

  test("a cluster that an interrupted deploy left half made is no danger: the next deploy carries on", () => {
    const file = ["state", "staging-cluster.tfstate"];
    const state = project.json(...file);
    const cluster = state.resources.find(
      ({ type, mode }: any) => type === "digitalocean_kubernetes_cluster" && mode === "managed",
    );
    cluster.instances[0].status = "tainted";
    project.write(file, JSON.stringify({ ...state, serial: state.serial + 1 }));
    const { code, stdout } = project.run("diff", "--json");
    const report = JSON.parse(stdout);
    expect([code, report.refused]).toEqual([2, []]);
    expect(report.stacks[0].counts.replaced).toBeGreaterThan(0);
  });
});

describe("a deploy of one environment, where a value changes that all of them share", () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = new SandboxProject();
    expect(project.run("deploy", "--yes").code).toBe(0);
  });
  afterAll(() => project.remove());

  test.each<[string, string, string, Change]>([
    ["project.domain", "domain-loss", "staging", (document) => (document.project.domain = "other.example")],
    [
      "environments[1].domain",
      "domain-loss",
      "staging",
      (document) => (document.environments[1].domain = "other.example"),
    ],
    ["project.name", "project-rename", "production", (document) => (document.project.name = "renamed")],
    ["github.branch", "repository-change", "production", (document) => (document.github.branch = "next")],
  ])(
    "%s: diff and deploy refuse its %s when only %s is deployed, and nothing is touched",
    (field, kind, selected, change) => {
      const other = selected === "staging" ? "production" : "staging";
      const before = contents(project);
      withChange(project, change, () => {
        for (const [command, ...args] of [["diff"], ["deploy", "--yes", "--push"]] as const) {
          const { code, stdout } = project.run(command, ...args, "--json", "--environment", selected);
          expect([command, code]).toEqual([command, 1]);
          expect(JSON.parse(stdout).refused).toContainEqual(
            expect.objectContaining({
              kind,
              field,
              environment: other,
              consequence: expect.stringContaining(`This deploy leaves ${other} out`),
              allowed: expect.stringContaining("deploy all environments together"),
            }),
          );
        }
      });
      expect(contents(project)).toEqual(before);
    },
  );

  test("no --allow configures production's hosts in a domain that Terraform never gives its zone", () => {
    const before = contents(project);
    const { code, stderr } = withChange(
      project,
      (document) => (document.project.domain = "other.example"),
      () =>
        project.run(
          ...["deploy", "--yes", "--environment", "staging"],
          ...["--allow", "domain-loss", "--confirm", "my-startup-production"],
        ),
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("--allow domain-loss doesn't help")]);
    expect(contents(project)).toEqual(before);
  });

  test("what the other environment has for itself stops no deploy of this one", () => {
    const { code, stdout } = withChange(
      project,
      ({ environments: [, production] }) => {
        production.cluster.region = "ams3";
        production.cluster.version = "1.40";
      },
      () => project.run("diff", "--json", "--environment", "staging"),
    );
    expect([code, JSON.parse(stdout).refused]).toEqual([0, []]);
  });

  test("a state of the other one that cannot be read is named, and stops no deploy of this one", () => {
    const file = ["state", "production-github-secrets.tfstate"];
    const state = project.read(...file);
    project.write(file, "{");
    const { code, stdout } = project.run("diff", "--environment", "staging");
    project.write(file, state);
    expect([code, stdout]).toEqual([
      0,
      expect.stringMatching(
        /Note: production is left out of this deploy, and whether .* is not known: state of/,
      ),
    ]);
  });
});

describe("what Flux and GitHub know of a project", () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = new SandboxProject((document) => {
      document.environments = [document.environments[0]];
    });
    expect(project.run("deploy", "--yes").code).toBe(0);
  });
  afterAll(() => project.remove());

  test.each([
    ["owner", "somebody-else"],
    ["repository", "another-one"],
    ["branch", "next"],
  ])("repository-change: github.%s is refused by diff and deploy, and nothing is touched", (part, value) => {
    const before = contents(project);
    withChange(
      project,
      ({ github }) => {
        github[part] = value;
      },
      () => {
        for (const [command, ...args] of [["diff"], ["deploy", "--yes"]] as const) {
          const { code, stdout, stderr } = project.run(command, ...args, "--json");
          expect([command, code]).toEqual([command, 1]);
          expect(JSON.parse(stdout).refused).toContainEqual(
            expect.objectContaining({
              kind: "repository-change",
              environment: "staging",
              field: `github.${part}`,
            }),
          );
          expect(stderr).toContain("every application, with its load balancer");
        }
      },
    );
    expect(contents(project)).toEqual(before);
  });

  test("one that is allowed gets everything that the old one had, and the next diff is empty", () => {
    project.configure(({ github }) => {
      github.repository = "another-one";
    });
    const { code, stdout } = project.run("deploy", "--yes", "--allow", "repository-change");
    expect([code, stdout]).toEqual([0, expect.stringContaining("Dangerous, and allowed by --allow:")]);
    const state = project.json("state", "staging-github-secrets.tfstate");
    const repositories = state.resources.flatMap(({ instances }: any) =>
      instances.flatMap(({ attributes }: any) => attributes.repository ?? []),
    );
    expect([...new Set(repositories)]).toEqual(["another-one"]);
    expect(project.run("diff").code).toBe(0);
  });

  test("of a project that is renamed on purpose diff and deploy say which stacks are planned again, and what that brings is shown", () => {
    project.configure(({ project: own }) => {
      own.name = "other-name";
    });
    const told =
      "Not in this plan: what staging-flux-configuration and staging-github-secrets make of the outputs of staging-cluster that change";
    const allowed = ["--allow", "project-rename"];
    const { code, stdout, stderr } = project.run("diff", "--json", ...allowed);
    expect([code, stderr]).toEqual([2, expect.stringContaining(told)]);
    expect(JSON.parse(stdout).plannedAgain).toEqual(
      ["staging-flux-configuration", "staging-github-secrets"].map((stack) =>
        expect.objectContaining({ stack, after: "staging-cluster" }),
      ),
    );
    const deployed = project.run("deploy", "--yes", ...allowed);
    expect(deployed.code).toBe(0);
    expect(deployed.stdout.indexOf(told)).toBeLessThan(deployed.stdout.indexOf("\nApply"));
    expect(deployed.stdout).toMatch(
      /This plan differs[\s\S]*value: "my-startup-staging" -> "other-name-staging"/,
    );
    const settled = project.run("diff", "--json");
    expect([settled.code, JSON.parse(settled.stdout).plannedAgain]).toEqual([0, []]);
  });
});

describeWithTools("pods without room", { tools: ["kubectl", "helm"] }, () => {
  let project: SandboxProject;
  beforeAll(() => {
    project = deployedProject();
  });
  afterAll(() => project.remove());

  test.each<[string, string, RegExp, Change]>([
    [
      "fewer nodes than the pods ask for",
      "environments[0].cluster.nodeCount",
      /takes 5 nodes of s-2vcpu-4gb, and there would be at most 2 \(now 6\)/,
      ({ environments: [staging] }) => {
        staging.cluster.nodeCount = 2;
      },
    ],
    [
      "fewer nodes that the autoscaler may add",
      "environments[1].cluster.maxNodes",
      /takes 4 nodes of s-4vcpu-8gb, and there would be at most 3 \(now 6\)/,
      ({ environments: [, production] }) => {
        production.cluster.maxNodes = 3;
      },
    ],
    [
      "a profile that has grown",
      "environments[0].cluster.nodeCount",
      /takes \d+ nodes of s-2vcpu-4gb, and there would be at most 6\./,
      ({ environments: [staging] }) => {
        staging.resourceProfiles = { small: { cpu: "900m", memory: "1200Mi" } };
      },
    ],
    [
      "a profile that has grown beyond a node",
      "environments[0].cluster.nodeSize",
      /a pod of \S+ \S+ would ask for 1500m CPU .*; and \d+ more pods are too large\./,
      ({ environments: [staging] }) => {
        staging.resourceProfiles = { small: { cpu: "1500m", memory: "2Gi" } };
      },
    ],
  ])("%s: refused before anything is touched", (_, field, problem, change) => {
    const before = contents(project);
    const { code, stdout } = withChange(project, change, () => project.run("deploy", "--yes", "--json"));
    expect([code, JSON.parse(stdout).refused]).toEqual([
      1,
      expect.arrayContaining([
        expect.objectContaining({
          kind: "pods-without-room",
          field,
          problem: expect.stringMatching(problem),
        }),
      ]),
    ]);
    expect(contents(project)).toEqual(before);
  });

  test("allowed, it is applied; and the way out of a shortage is never refused", () => {
    const nodes = (nodeCount: number) =>
      project.configure(({ environments: [staging] }) => {
        staging.cluster.nodeCount = nodeCount;
      });
    nodes(2);
    expect(project.run("deploy", "--yes", "--allow", "pods-without-room").code).toBe(0);
    nodes(3);
    const { code, stderr } = project.run("deploy", "--yes");
    expect([code, stderr]).toEqual([0, ""]);
    expect(project.configMap("staging", "infrastructure-vars").infraConfig_cluster_nodeCount).toBe("3");
  });
});
