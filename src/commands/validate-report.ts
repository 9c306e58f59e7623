import Table from "cli-table3";
import pc from "picocolors";
import type { EnvironmentReport, Finding, ValidationReport } from "../flux-tree";
import type { Output } from "../terminal/output";

/** Prints what was found: a table of the systems, the room on the nodes, and each finding with what to do. */
export function printReport(
  output: Output,
  report: ValidationReport,
  { verbose }: { readonly verbose: boolean },
): void {
  output.line();
  output.line(systemsTable(report.environments));
  for (const environment of report.environments) {
    for (const line of capacityLines(environment, verbose)) output.line(line);
  }
  if (verbose) {
    for (const environment of report.environments) {
      output.heading(`Rules in ${environment.name}`);
      for (const { id, title, checks, findings, leftOut } of environment.rules) {
        const result = leftOut ? "left out" : findings > 0 ? `${findings} findings` : "passed";
        output.line(
          `  ${id.padEnd(14)} ${String(checks).padStart(5)} checks  ${result.padEnd(12)}  ${title}`,
        );
      }
    }
    output.heading(`Exceptions with a reason: ${report.exceptions.length}`);
    for (const { rule, place, departure, reason } of report.exceptions)
      output.line(`  ${place}: ${departure} ${pc.dim(`(${rule})`)}\n    ${reason}`);
  }
  if (report.findings.length > 0) {
    output.heading(`Findings: ${report.findings.length}`);
    for (const line of findingLines(report.findings)) output.line(line);
  }
  if (report.notes.length > 0) output.heading("Worth knowing");
  for (const { system, text } of report.notes) output.line(`  ${system}: ${text}`);
  for (const { what, why } of report.leftOut) output.line(`  not checked: ${what}. ${why}`);
  output.line();
  output.line(summary(report));
}

function summary({ environments, findings, exceptions, leftOut }: ValidationReport): string {
  const systems = environments.flatMap((environment) => environment.systems);
  const count = (key: "objects" | "checks"): number => systems.reduce((sum, system) => sum + system[key], 0);
  const checked = `${count("objects")} objects, ${count("checks")} checks, ${exceptions.length} exceptions with a reason`;
  const incomplete =
    leftOut.length > 0 ? `, ${leftOut.length} ${leftOut.length === 1 ? "part" : "parts"} not checked` : "";
  return findings.length === 0
    ? `${pc.green("The tree is fine")}: ${checked}${incomplete}.`
    : `${pc.red(`${findings.length} ${findings.length === 1 ? "finding" : "findings"}`)}: ${checked}${incomplete}.`;
}

/** Grouped by the system; the same mistake at several places keeps its words. */
function findingLines(findings: readonly Finding[]): string[] {
  const systems = [...new Set(findings.map(({ system }) => system))];
  return systems.flatMap((system) => [
    pc.bold(`  ${system}`),
    ...findings
      .filter((finding) => finding.system === system)
      .map(({ rule, place, problem, fix }) => `    ${place}: ${problem}; ${fix} ${pc.dim(`(${rule})`)}`),
  ]);
}

function capacityLines({ name, capacity }: EnvironmentReport, verbose: boolean): string[] {
  if (!capacity) return [];
  const { nodes, nodeSize, needed, neededAtMost, requests, limits, perNode, volumes } = capacity;
  const nodeText = (count: number | undefined): string =>
    count === undefined ? "no number of nodes" : `${count}`;
  const lines = [
    `  ${name}: requests of ${cores(requests.cpu)} and ${gib(requests.memory)}, limits of ${cores(limits.cpu)} and ${gib(limits.memory)}, ${volumes} volumes: ${nodeText(needed)} of at most ${nodes} nodes ${nodeSize} (${cores(perNode.cpu)} and ${gib(perNode.memory)} each); with every autoscaler at its maximum ${nodeText(neededAtMost)}`,
  ];
  if (!verbose) return lines;
  return [
    ...lines,
    ...Object.entries(capacity.systems).map(
      ([system, demand]) =>
        `    ${system.padEnd(28)} ${String(demand.pods).padStart(3)} pods  ${cores(demand.requests.cpu).padStart(11)} ${gib(demand.requests.memory).padStart(10)}  (limits ${cores(demand.limits.cpu)}, ${gib(demand.limits.memory)})  ${demand.volumes} volumes`,
    ),
  ];
}

const cores = (millicores: number): string => `${(millicores / 1000).toFixed(2)} CPUs`;
const gib = (mi: number): string => `${(mi / 1024).toFixed(2)} GiB`;

/** A row for each system of each environment. Works on a dumb terminal: spaces, no lines. */
function systemsTable(environments: readonly EnvironmentReport[]): string {
  const borders = ["top", "bottom", "left", "right"].flatMap((side) => [
    side,
    `${side}-mid`,
    `${side}-left`,
    `${side}-right`,
  ]);
  const none = Object.fromEntries([...borders, "mid", "mid-mid"].map((name) => [name, ""]));
  const table = new Table({
    head: ["environment", "system", "objects", "rules passed", "checks passed", "exceptions", "findings"],
    colAligns: ["left", "left", "right", "right", "right", "right", "right"],
    chars: { ...none, middle: "  " },
    style: { head: [], border: [], "padding-left": 0, "padding-right": 0 },
  });
  for (const { name, hasCluster, systems } of environments) {
    for (const system of systems) {
      table.push([
        hasCluster ? name : `${name} (no cluster)`,
        system.name,
        String(system.objects),
        `${system.rulesPassed} of ${system.rulesChecked}`,
        `${system.checksPassed} of ${system.checks}`,
        String(system.exceptions),
        system.findings > 0 ? pc.bold(pc.red(String(system.findings))) : "0",
      ]);
    }
  }
  return table
    .toString()
    .split("\n")
    .map((line) => `  ${line.trimEnd()}`)
    .join("\n");
}
