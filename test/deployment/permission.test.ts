import { parseProject } from "../../src/config";
import type { DangerKind, Finding } from "../../src/deployment/dangers";
import { explainPermission, namesToType, refusedBy } from "../../src/deployment/permission";
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

test("of a cluster that would get another name the one that it has is typed, whatever else is allowed", () => {
  const renamed = { ...finding("project-rename", "production"), cluster: "before-production" };
  const findings = [finding("ha-removal", "production"), renamed];
  const names = (confirmed: string[]): string[] =>
    namesToType(findings, project, { allow: ["ha-removal", "project-rename"], confirmed });
  expect(names(["my-startup-production"])).toEqual(["before-production"]);
  expect(names(["before-production"])).toEqual([]);
  expect(explainPermission(findings, { project, npmRun })).toContain("--confirm before-production)");
});
