import pc from "picocolors";
import type { ConfigMapStatus, FluxObjectStatus, FluxStatus, ValueDifference } from "../cluster";
import { describeStanding, pull } from "../deployment/checkout-standing";
import { explainElsewhere } from "../deployment/clusters-elsewhere";
import { wayOut } from "../deployment/dangers";
import { FLUX_NAMESPACE } from "../flux";
import { sandboxAt, shownPath } from "../place";
import type { Output } from "../terminal/output";
import { environmentOf } from "../terraform";
import type { Workspace } from "../workspace";
import {
  type ClusterStatus,
  concerns,
  type EnvironmentStatus,
  type InstalledFlux,
  notReady,
  type ProjectStatus,
  projectConcerns,
  type StackStatus,
} from "./status-report";

/** The column of states, as wide as the longest. */
const STATE_WIDTH = 17;
const INDENT = "    ";
const BELOW = INDENT + " ".repeat(STATE_WIDTH);
const NARROWEST = 60;
const WIDEST = 110;
/** How many values or addresses are listed before the rest is only counted. */
const LISTED = 3;
const LONGEST_VALUE = 60;

const COLOURS: Readonly<Record<string, (text: string) => string>> = {
  deployed: pc.green,
  "in step": pc.green,
  running: pc.green,
  ready: pc.green,
  "not compared": pc.dim,
  reconciling: pc.cyan,
  waiting: pc.yellow,
  suspended: pc.yellow,
  none: pc.dim,
};

/** What the page is about, and how commands for it are written. */
export interface Workplace extends Pick<Workspace, "configurationName" | "directory" | "project"> {
  /** A command line between backticks, which are never broken across lines. */
  npmRun(command: string, ...args: string[]): string;
}

/** Prints the status of some environments as one page. */
export function printStatus(
  output: Output,
  { environments: statuses, project }: ProjectStatus,
  workspace: Workplace,
): void {
  const write = (lines: readonly string[]): void => {
    for (const line of lines) output.line(line);
  };
  for (const status of statuses) {
    output.heading(status.name);
    output.line("  Terraform");
    write(stackLines(status, workspace));
    write(secretsLines(status, workspace));
    write(healthLines(status));
    write(clusterLines(status, workspace));
    write(decryptionLines(status));
    write(gitHubLines(status));
  }
  output.heading("the project");
  write(nameLines(project, workspace));
  write(orphanLines(project, workspace));
  write(checkoutLines(project));
  if (project.atWork !== undefined)
    write([row("at work", `${project.atWork}, so that this page may change`)]);
  output.line();
  write(summary({ environments: statuses, project }, workspace));
}

function summary({ environments, project }: ProjectStatus, { npmRun }: Workplace): string[] {
  const troubled = [
    ...environments.map((status) => ({ name: status.name, concerns: concerns(status) })),
    { name: "the project", concerns: projectConcerns(project) },
  ].filter((one) => one.concerns.length > 0);
  // What is not looked at must not be taken for well.
  if (troubled.length === 0)
    return [
      pc.green("All is as it should be."),
      ...wrapped(`Not compared here: nodes, deploy keys, webhooks. See ${npmRun("diff")}.`, ""),
    ];
  return troubled.flatMap((one) =>
    wrapped(`${one.name} is not as it should be: ${one.concerns.join(", ")}.`, ""),
  );
}

/** Git ignores what is in a sandbox. */
const thenPush = (directory: string): string =>
  sandboxAt(directory) === undefined ? "; then commit and push" : "";

function nameLines(
  { pendingFiles, namesToCheck = [] }: ProjectStatus["project"],
  { npmRun, directory }: Workplace,
): string[] {
  const notes = namesToCheck.flatMap((note) => advice(note));
  const tree = shownPath(directory, "flux/");
  if (pendingFiles === undefined)
    return [row("not there yet", `${tree}, which the first deploy of a sandbox copies`)];
  if (pendingFiles.length === 0)
    return [row(notes.length > 0 ? "to check" : "in step", `names in ${tree}`), ...notes];
  return [
    row(
      "out of step",
      `names in ${tree}  ${pc.dim(`${counted(pendingFiles.length, "file")} to be configured`)}`,
    ),
    ...listed(
      "with placeholders or old names",
      pendingFiles.map((path) => shownPath(directory, path)),
    ),
    ...advice(`${npmRun("deploy")} writes the project's names into them${thenPush(directory)}`),
    ...notes,
  ];
}

function orphanLines({ orphanedStacks }: ProjectStatus["project"], workplace: Workplace): string[] {
  return orphanedStacks.flatMap((stack, index) => {
    const environment = environmentOf({ name: stack });
    const isFirst = orphanedStacks.findIndex((name) => environmentOf({ name }) === environment) === index;
    return [
      row("not configured", stack),
      ...below(
        `It is deployed, but no longer in ${workplace.configurationName}. It is unmanaged and still billed.`,
      ),
      // What helps is the same for all stacks of an environment.
      ...(isFirst ? advice(wayOut(stack, workplace)) : []),
    ];
  });
}

function checkoutLines({ checkout }: ProjectStatus["project"]): string[] {
  switch (checkout?.state) {
    case undefined:
    case "alone":
      return [];
    case "in step":
      return [row("in step", `checkout  ${pc.dim(`has all of ${checkout.branch}`)}`)];
    case "behind":
      return [
        row(checkout.matters ? "out of step" : "in step", "checkout"),
        ...below(String(describeStanding(checkout))),
        ...advice(`\`${pull(checkout)}\` brings it up to date`),
      ];
    case "subfolder":
      return [row("misplaced", "checkout"), ...below(printable(String(describeStanding(checkout))))];
    case "unknown":
      return [row("not compared", "checkout"), ...below(printable(String(describeStanding(checkout))))];
  }
}

function stackLines({ name, stacks, cluster }: EnvironmentStatus, { npmRun }: Workplace): string[] {
  // What is deployed from elsewhere must not be deployed from here again.
  const deploy =
    cluster.state !== "elsewhere" &&
    stacks.some(({ state }) => state === "not deployed" || state === "partly deployed");
  return [
    ...stacks.flatMap((stack) => stackLine(stack, Math.max(...stacks.map((one) => one.name.length)))),
    ...(deploy
      ? advice(
          `${npmRun("diff", "--environment", name)} shows what is left to do, ${npmRun("deploy", "--environment", name)} does it`,
        )
      : []),
  ];
}

function stackLine(stack: StackStatus, width: number): string[] {
  if (stack.state === "unknown") return [row(stack.state, stack.name), ...below(stack.problem)];
  if (stack.state === "not deployed") return [row(stack.state, stack.name)];
  const { missing, surplus, tainted } = stack;
  return [
    row(stack.state, `${stack.name.padEnd(width)}  ${pc.dim(counted(stack.resources, "resource"))}`),
    ...listed("missing", missing),
    ...listed("no longer configured", surplus),
    ...listed("half made", tainted),
  ];
}

function listed(what: string, addresses: readonly string[]): string[] {
  if (addresses.length === 0) return [];
  const more = addresses.length > LISTED ? ` and ${addresses.length - LISTED} more` : "";
  return below(`${what}: ${addresses.slice(0, LISTED).join(", ")}${more}`);
}

function secretsLines({ name, secrets }: EnvironmentStatus, { npmRun, directory }: Workplace): string[] {
  if ("problem" in secrets)
    return ["  Secrets", row("unknown", "secrets"), ...below(printable(secrets.problem))];
  const { needed, missing } = secrets;
  if (needed === 0) return [];
  if (missing.length === 0) return ["  Secrets", row("in step", `${counted(needed, "secret")} created`)];
  return [
    "  Secrets",
    row("not created", `${missing.length} of ${counted(needed, "secret")} that applications wait for`),
    ...listed("missing", missing),
    ...advice(`${npmRun("secrets", "create", "--environment", name)} creates them${thenPush(directory)}`),
  ];
}

function healthLines({ health, cluster }: EnvironmentStatus): string[] {
  // One that isn't there has no health.
  if (health === undefined || cluster.state === "gone") return [];
  const kubernetes = "  Kubernetes";
  if ("unchecked" in health)
    return [kubernetes, row("not compared", "version and status"), ...below(printable(health.unchecked))];
  const { state = "unknown", version = "", problems } = health;
  return [
    kubernetes,
    row(printable(state), printable(version)),
    ...problems.flatMap(({ explanation }) => below(printable(explanation))),
  ];
}

function gitHubLines({ name, gitHub }: EnvironmentStatus): string[] {
  if (gitHub === undefined) return [];
  const [state, text] = "open" in gitHub ? ["open", gitHub.open] : ["not compared", gitHub.unchecked];
  return ["  GitHub", row(state, `environment ${name}`), ...below(printable(text))];
}

function clusterLines({ name, cluster }: EnvironmentStatus, workspace: Workplace): string[] {
  switch (cluster.state) {
    case "not deployed":
      return [
        "  Cluster",
        row("not deployed", `so there are no ConfigMaps and no Flux yet`),
        ...(cluster.unchecked === undefined
          ? []
          : below(
              `Whether DigitalOcean has a cluster of this name all the same is not known: ${printable(cluster.unchecked)}`,
            )),
      ];
    case "elsewhere":
      return [
        "  Cluster",
        row("state missing", `${cluster.name}  ${pc.dim(cluster.id)}`),
        ...below(printable(explainElsewhere(cluster, workspace))),
      ];
    case "gone":
      return [
        "  Cluster",
        row("gone", cluster.id),
        ...below(
          "Terraform's state has it, and DigitalOcean doesn't, or the token is of another DigitalOcean team.",
        ),
        ...advice(`${workspace.npmRun("diff", "--environment", name)} shows what a deploy would make anew`),
      ];
    case "unknown":
      return ["  Cluster", row("unknown", "what is in the cluster"), ...below(printable(cluster.problem))];
    case "unreachable":
      return ["  Cluster", row("not reachable", cluster.id), ...below(printable(cluster.problem))];
    case "reachable":
      return [
        `  ConfigMaps in ${FLUX_NAMESPACE}`,
        ...configMapLines(name, cluster, workspace),
        "  Flux",
        ...fluxLines(name, cluster.flux, workspace),
      ];
  }
}

function decryptionLines({ decryption }: EnvironmentStatus): string[] {
  return decryption === undefined
    ? []
    : ["  Secrets", row("out of step", "key"), ...below(decryption.message), ...advice(decryption.fix)];
}

function configMapLines(
  environment: string,
  { configMaps }: Extract<ClusterStatus, { state: "reachable" }>,
  { npmRun }: Workplace,
): string[] {
  const width = Math.max(...configMaps.map((map) => map.name.length));
  const inStep = configMaps.every(({ state }) => state === "in step");
  return [
    ...configMaps.flatMap((map) => [
      row(map.state, `${map.name.padEnd(width)}  ${pc.dim(configMapRemark(map))}`.trimEnd()),
      ...configMapDetails(map),
    ]),
    ...(inStep
      ? []
      : advice(
          `${npmRun("diff", "--environment", environment)} shows what a deploy would change; ${npmRun("deploy", "--environment", environment)} does it`,
        )),
  ];
}

function configMapRemark({ state, values, differences }: ConfigMapStatus): string {
  if (state === "missing") return "";
  if (state === "in step") return `${counted(values, "value")} as the configuration says`;
  return differences.length === 0 ? "" : `${differences.length} of ${counted(values, "value")} differ`;
}

function configMapDetails({ state, differences, watched, problem }: ConfigMapStatus): string[] {
  if (state === "missing") return [];
  const more = differences.length - LISTED;
  return [
    ...differences.slice(0, LISTED).flatMap((difference) => below(differenceText(difference))),
    ...(more > 0 ? below(`and ${more} more, which --json lists`) : []),
    ...(problem === undefined ? [] : below(printable(problem))),
    ...(watched
      ? []
      : below(
          "The label reconcile.fluxcd.io/watch: Enabled is missing, so that Flux follows at its next interval only.",
        )),
  ];
}

function differenceText({ name, cluster, configuration }: ValueDifference): string {
  const has = cluster === undefined ? "cluster has no such value" : `cluster has ${shortened(cluster)}`;
  const says =
    configuration === undefined
      ? "configuration gives no such value"
      : `configuration says ${shortened(configuration)}`;
  return `${name}: ${has}, ${says}`;
}

function fluxLines(environment: string, flux: InstalledFlux, workspace: Workplace): string[] {
  if (!flux.installed) return absentFlux(environment, flux.expected, workspace);
  const repositories = flux.sources.filter(
    ({ kind }) => kind === "GitRepository" || kind === "OCIRepository",
  );
  return [
    ...repositories.filter(({ state }) => state === "ready").flatMap(repositoryLines),
    ...["HelmRepository", "HelmChart"].flatMap((kind) =>
      tally(
        kind,
        flux.sources.filter((source) => source.kind === kind),
      ),
    ),
    ...(flux.kustomizations.length === 0
      ? [row("missing", "Kustomizations"), ...below("Flux runs and follows no folder of the repository yet.")]
      : tally("Kustomization", flux.kustomizations)),
    ...tally("HelmRelease", flux.helmReleases),
    ...troubleLines(flux),
  ];
}

function absentFlux(environment: string, expected: boolean, { npmRun }: Workplace): string[] {
  if (!expected)
    return [
      row("none", "a sandbox has no Flux in it"),
      ...below(`${npmRun("preview", "--environment", environment)} prints what Flux would apply`),
    ];
  return [
    row("not installed", "the cluster doesn't know Flux's kinds"),
    ...advice(
      `push the configured tree; then ${npmRun("deploy", "--environment", environment)} installs Flux, or says what keeps it from that`,
    ),
  ];
}

function repositoryLines({ kind, name, state, revision = "", message }: FluxObjectStatus): string[] {
  return [
    row(state, `${kind} ${name}  ${pc.dim(shortRevision(revision))}`),
    ...below(pc.dim(printable(message))),
  ];
}

/** `Kustomizations  11 of 13 ready`; nothing when there are none. */
function tally(kind: string, objects: readonly FluxObjectStatus[]): string[] {
  if (objects.length === 0) return [];
  const ready = objects.filter(({ state }) => state === "ready").length;
  const state = ready === objects.length ? "ready" : "not all ready";
  return [row(state, `${plural(kind)}  ${pc.dim(`${ready} of ${objects.length} ready`)}`)];
}

/** What is failing first, with reasons; then what waits for what; then what is on its way. */
function troubleLines(flux: FluxStatus): string[] {
  const unready = notReady(flux);
  const of = (state: string): FluxObjectStatus[] => unready.filter((one) => one.state === state);
  return [
    ...of("failing").flatMap(detailed),
    ...waitingLines(of("waiting")),
    ...of("reconciling").flatMap(detailed),
    ...of("suspended").flatMap((one) => [
      row(one.state, called(one)),
      ...below(
        `Flux leaves it alone until it is resumed:  flux resume ${FLUX_COMMANDS[one.kind] ?? one.kind.toLowerCase()} ${one.name} -n ${one.namespace}`,
      ),
    ]),
  ];
}

const FLUX_COMMANDS: Readonly<Record<string, string>> = {
  GitRepository: "source git",
  OCIRepository: "source oci",
  HelmRepository: "source helm",
  HelmChart: "source chart",
};

function detailed(one: FluxObjectStatus): string[] {
  return [
    row(one.state, called(one)),
    ...below(printable(one.message)),
    ...(one.hint === undefined ? [] : advice(one.hint)),
  ];
}

function waitingLines(waiting: readonly FluxObjectStatus[]): string[] {
  const byTarget = new Map<string, FluxObjectStatus[]>();
  for (const one of waiting) {
    const target = (one.waitsFor ?? []).map(targetName).join(", ");
    byTarget.set(target, [...(byTarget.get(target) ?? []), one]);
  }
  return [...byTarget].flatMap(([target, ones]) => {
    const [first = "", ...more] = wrapped(`${ones.map(called).join(", ")}, for ${target}`, BELOW);
    return [row("waiting", first.trimStart()), ...more];
  });
}

/** `Kustomization/flux-system/x` → `Kustomization x` */
function targetName(key: string): string {
  const [kind = "", namespace = "", name = ""] = key.split("/");
  return called({ kind, namespace, name });
}

function called({ kind, namespace, name }: Pick<FluxObjectStatus, "kind" | "namespace" | "name">): string {
  return printable(`${kind} ${namespace === FLUX_NAMESPACE ? "" : `${namespace}/`}${name}`);
}

function row(state: string, text: string): string {
  const colour = COLOURS[state] ?? pc.red;
  return `${INDENT}${colour(state.padEnd(STATE_WIDTH))}${text}`.trimEnd();
}

function below(text: string): string[] {
  return wrapped(text, `${BELOW}  `);
}

/** What helps. */
function advice(text: string): string[] {
  const [first = "", ...more] = wrapped(text, `${BELOW}   `);
  return [`${BELOW}${pc.bold("->")} ${first.trimStart()}`, ...more];
}

/** A text in lines that fit the terminal; words and `commands` are never cut, so that they can be copied. */
function wrapped(text: string, indent: string): string[] {
  const width = Math.min(Math.max(process.stdout.columns ?? WIDEST, NARROWEST), WIDEST) - indent.length;
  return text.split("\n").flatMap((paragraph) => {
    const lines: string[] = [];
    let line = "";
    for (const word of paragraph.match(/(?:`[^`]*`|[^\s`])+/g) ?? []) {
      if (line !== "" && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line === "" ? word : `${line} ${word}`;
    }
    return [...lines, line].filter((one) => one !== "").map((one) => indent + one);
  });
}

/** `main@sha1:0123456789…` → `main@sha1:01234567` */
function shortRevision(revision: string): string {
  return printable(revision).replace(/(sha\d+:[0-9a-f]{8})[0-9a-f]+/, "$1");
}

/** A text of the cluster without characters that would steer the terminal. */
function printable(text: string): string {
  return text.replace(/[^\P{Cc}\n\t]|\p{Cf}/gu, "\ufffd");
}

function shortened(text: string): string {
  const line = printable(text.replace(/\s+/g, " "));
  return line.length > LONGEST_VALUE ? `${line.slice(0, LONGEST_VALUE)}…` : line;
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

function plural(kind: string): string {
  return kind.endsWith("y") ? `${kind.slice(0, -1)}ies` : `${kind}s`;
}
