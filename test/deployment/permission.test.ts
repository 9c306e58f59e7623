import { parseProject } from "../../src/config";
import type { DangerKind, Finding } from "../../src/deployment/dangers";
import { explainFindings, explainPermission, namesToType, refusedBy } from "../../src/deployment/permission";
import { EXAMPLE_TEXT } from "../support/example";

const project = parseProject(
  EXAMPLE_TEXT.replaceAll("example.com", "acme.example"),
  "infrastructure.config.json",
);
const finding = (kind: DangerKind, environment: string): Finding => ({
  kind,
  environment,
  field: "environments",
  problem: "a problem",
  consequence: "a consequence",
  remedy: "a way",
});
const npmRun = (command: string, ...args: string[]): string => [`npm run ${command} --`, ...args].join(" ");

test("only the kinds that are named get through", () => {
  const findings = [finding("ha-removal", "staging"), finding("vpc-loss", "staging")];
  expect(refusedBy(findings, { allow: [] })).toEqual(findings);
  expect(refusedBy(findings, { allow: ["vpc-loss", "domain-loss"] })).toEqual([findings[0]]);
});

test("names are typed for what is allowed in production, once each, also where production was taken out", () => {
  const findings = [
    finding("ha-removal", "production"),
    finding("storage-shrink", "production"),
    finding("storage-shrink", "staging"),
  ];
  const names = (allow: DangerKind[], confirmed: string[] = [], of = project): string[] =>
    namesToType(findings, of, { allow, confirmed });
  expect(names([])).toEqual([]);
  expect(names(["storage-shrink", "ha-removal"])).toEqual(["my-startup-production"]);
  expect(names(["storage-shrink"], ["production"])).toEqual(["my-startup-production"]);
  expect(names(["storage-shrink"], ["my-startup-production"])).toEqual([]);
  expect(names(["ha-removal"], [], { ...project, environments: [] })).toEqual(["my-startup-production"]);
});

test("the way through is one command line, and says what production asks for besides", () => {
  const staging = [finding("ha-removal", "staging"), finding("ha-removal", "staging")];
  expect(explainPermission(staging, { project, npmRun })).toBe(
    "If you mean it: npm run deploy -- --allow ha-removal",
  );
  expect(explainPermission([finding("vpc-loss", "production")], { project, npmRun })).toContain(
    "--confirm my-startup-production",
  );
});

test("no command is suggested where the deploy would fail all the same", () => {
  const passable = finding("storage-shrink", "staging");
  const dead = { ...finding("ha-removal", "staging"), field: "environments[0].x", deadEnd: "a reason." };
  expect(explainPermission([passable, dead], { project, npmRun })).toBe(
    'No --allow carries this out. Change environments[0].x first, as "Instead" says.',
  );
  expect(explainPermission([passable], { project, npmRun }, { blocked: true })).toContain("Fix those first");
  expect(explainFindings([dead])).toEqual([
    expect.stringContaining("--allow ha-removal doesn't help: a reason."),
  ]);
});

test("what several environments have in common is said once", () => {
  const ones = ["staging", "production"].map((environment) => ({
    ...finding("project-rename", environment),
    problem: `of ${environment}`,
  }));
  expect(explainFindings(ones)).toEqual([
    expect.stringMatching(/of staging[\s\S]*of production[\s\S]*Instead: a way$/),
  ]);
  expect(
    explainFindings(ones)
      .join()
      .match(/Instead/g),
  ).toHaveLength(1);
});

test("the suggested command has what was given to the one that was refused", () => {
  const given = {
    environment: ["staging"],
    stack: ["staging-cluster"],
    adopt: ["a.b"],
    push: true,
    yes: true,
  };
  expect(explainPermission([finding("ha-removal", "staging")], { project, npmRun }, { given })).toBe(
    "If you mean it: npm run deploy -- --environment staging --stack staging-cluster --adopt a.b --push --yes --allow ha-removal",
  );
});

test("of a cluster that would get another name the one that it has is typed, whatever else is allowed", () => {
  const renamed = { ...finding("project-rename", "production"), cluster: "before-production" };
  const findings = [finding("ha-removal", "production"), renamed];
  const names = (confirmed: string[]): string[] =>
    namesToType(findings, project, { allow: ["ha-removal", "project-rename"], confirmed });
  expect(names(["my-startup-production"])).toEqual(["before-production"]);
  expect(names(["before-production"])).toEqual([]);
  expect(explainPermission(findings, { project, npmRun })).toContain("--confirm before-production)");
});
