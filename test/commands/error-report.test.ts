import { Command, CommanderError } from "commander";
import { asksForJson, errorReport } from "../../src/commands/error-report";
import { ExplainedFailure } from "../../src/deployment/failure";
import { Interrupted } from "../../src/deployment/interruption";
import { LostStates } from "../../src/state";
import { TerraformError } from "../../src/terraform";
import { MissingPrerequisites } from "../../src/workspace";
import { cli, SandboxProject } from "../support/sandbox-project";

describe("with --json a command that fails has one object on stdout, and its words on stderr", () => {
  const project = new SandboxProject();
  afterAll(() => project.remove());

  test.each<[string[], string, string | undefined, RegExp]>([
    [["deploy", "--allow", "regoin-change"], "arguments", "--allow", /there is no such danger/],
    [["diff", "--enviroment", "x"], "arguments", "--enviroment", /Did you mean --environment/],
    [["outputs", "--json", "--environment"], "arguments", "--environment", /argument missing/],
    [["status", "--sandbox", "no-such"], "arguments", "--sandbox", /there is no such sandbox/],
    [["validate", "extra"], "arguments", undefined, /too many arguments/],
    [
      ["secrets", "check", "--environment", "x"],
      "arguments",
      "--environment",
      /there is no such environment/,
    ],
    [["state", "restore", "--no-such"], "arguments", "--no-such", /unknown option/],
    [["nope", "--json"], "arguments", undefined, /unknown command 'nope'/],
    [["state", "nope", "--json"], "arguments", undefined, /unknown command 'nope'/],
    [["--json", "deploy"], "arguments", "--json", /unknown option/],
  ])("%j", (args, kind, place, message) => {
    const inSandbox = args.includes("--environment") ? ["--sandbox", project.name] : [];
    const { code, stdout, stderr } = cli(args.includes("--json") ? args : [...args, ...inSandbox, "--json"]);
    const { exitCode, error } = JSON.parse(stdout);
    expect([code, exitCode, error.kind, error.place]).toEqual([1, 1, kind, place]);
    expect(error.message).toMatch(message);
    expect(stderr).toMatch(message);
  });

  test.each(["state", "secrets"])("%s without what it is to do", (command) => {
    const { code, stdout, stderr } = cli([command, "--json"]);
    expect([code, JSON.parse(stdout)]).toMatchObject([1, { exitCode: 1, error: { kind: "arguments" } }]);
    expect(stderr).toContain("--json");
  });

  test("a configuration that is wrong is told with each place in it", () => {
    project.configure(({ environments: [staging] }) => {
      staging.cluster.region = "mars1";
    });
    for (const [command, expected] of [
      ["diff", 1],
      ["deploy", 1],
      ["status", 1],
      ["validate", 2],
    ] as const) {
      const { code, stdout, stderr } = project.run(command, "--json");
      const { error } = JSON.parse(stdout);
      expect([command, code, error.kind]).toEqual([command, expected, "configuration"]);
      expect(error.problems).toHaveLength(1);
      expect(error.problems[0].path).toBe("environments[0].cluster.region");
      expect(error.place).toMatch(/infrastructure\.config\.json$/);
      expect(stderr).toContain("environments[0].cluster.region: ");
    }
  });

  test("without --json stdout has nothing, and help is help", () => {
    expect(cli(["deploy", "--allow", "regoin-change"]).stdout).toBe("");
    expect(cli(["deploy", "--help", "--json"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^Usage: /),
    });
  });
});

describe("the kind and the place of an error", () => {
  const failure = new TerraformError("staging-cluster", "apply", [], "");
  test.each<[Error, object]>([
    [failure, { kind: "terraform", place: "staging-cluster" }],
    [new ExplainedFailure(failure, new Map()), { kind: "terraform", place: "staging-cluster" }],
    [new Interrupted("interrupted with Ctrl-C"), { kind: "interrupted" }],
    [new MissingPrerequisites(["x is missing"]), { kind: "prerequisites" }],
    [new LostStates(["staging-cluster"], "state of …"), { kind: "state", stacks: ["staging-cluster"] }],
    [
      new CommanderError(1, "commander.missingArgument", "error: missing"),
      { kind: "arguments", message: "missing" },
    ],
    [new Error("--stack x: no such stack"), { kind: "arguments", place: "--stack" }],
    [new Error("the disk is full"), { kind: "failed", message: "the disk is full" }],
  ])("%p", (error, expected) => {
    expect(errorReport(error)).toMatchObject(expected);
    expect(Object.hasOwn(errorReport(error), "place")).toBe("place" in expected);
  });

  test("--json counts only where the command has it, and not among the arguments of another program", () => {
    const program = new Command();
    const deploy = new Command("deploy").option("--json");
    const nested = new Command("state").addCommand(new Command("check").option("--json"));
    program.addCommand(deploy).addCommand(nested).addCommand(new Command("sandbox"));
    const asked = (words: string) => asksForJson(program, words.split(" "));
    const asking = [
      "deploy --json",
      "deploy --yes --json",
      "state check --json",
      "nope --json",
      "state nope --json",
    ];
    const before = ["--json", "--json deploy", "state --json", "state --json check"];
    expect([...asking, ...before].filter((words) => !asked(words))).toEqual([]);
    expect(["deploy", "nope", "deploy -- --json", "-- --json", "sandbox ls --json"].filter(asked)).toEqual(
      [],
    );
  });
});
