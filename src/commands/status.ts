import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import {
  type ConfigMap,
  compareConfigMaps,
  interpretFlux,
  KubeconfigRefused,
  KubectlMissing,
  readFlux,
  withCluster,
} from "../cluster";
import type { Environment } from "../config";
import { checkoutStanding, type Standing } from "../deployment/checkout-standing";
import { hasDigitalOceanToken } from "../deployment/cloud-api";
import { clusterHealth } from "../deployment/cluster-health";
import { clustersElsewhere } from "../deployment/clusters-elsewhere";
import { deployedKeyProblem } from "../deployment/decryption-key";
import { explain } from "../deployment/failure";
import { INTERRUPTED_EXIT_CODE } from "../deployment/interruption";
import { explainOpen, openEnvironment } from "../deployment/open-environments";
import { orphanedStacks } from "../deployment/orphaned-stacks";
import { selectStacks } from "../deployment/selection";
import {
  FLUX_NAMESPACE,
  infrastructureVariables,
  replacementsFor,
  VALUES_CONFIG_MAP,
  VARIABLES_CONFIG_MAP,
} from "../flux";
import { applicationSecrets } from "../secrets/applications";
import { inventory, isOpen } from "../secrets/inventory";
import { explainLost, findLostStates, openStore } from "../state";
import { pendingFiles } from "../static-configuration";
import { Output } from "../terminal/output";
import { environmentOf, readState, type StateDocument, stackDeployment } from "../terraform";
import {
  configurationNotes,
  type DescribedStack,
  describeStacks,
  openWorkspace,
  type Workspace,
} from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";
import {
  type ClusterStatus,
  concerns,
  type EnvironmentAccess,
  type EnvironmentStatus,
  type ProjectStatus,
  projectConcerns,
  type SecretsStatus,
  type StackStatus,
} from "./status-report";
import { printStatus } from "./status-view";

/** Exit codes of `npm run status`, in the manner of `npm run diff`. */
const AS_IT_SHOULD_BE = 0;
const COULD_NOT_FIND_OUT = 1;
const NOT_AS_IT_SHOULD_BE = 2;

export function statusCommand(): Command {
  return command(
    "status",
    "Say how things stand: Terraform stacks, ConfigMaps, Flux (exit code 0: as it should be, 2: it isn't, 1: could not find out)",
    ["environment", "sandbox", "json"],
  ).action(async (options: CommonOptions) => {
    const output = new Output(options.json ?? false);
    // Temporary files are removed when the process ends in order.
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
      process.once(signal, () => process.exit(INTERRUPTED_EXIT_CODE));
    const workspace = withQuotedCommands(
      await openWorkspace({
        command: "status",
        sandbox: sandboxName(options),
        readOnly: true,
        // It says how far things are with whatever credentials there are.
        online: false,
      }),
    );
    try {
      const all = await describeStacks(workspace);
      const selected = selectStacks(all, { environments: options.environment, stacks: [] });
      const environments = workspace.project.environments.filter(({ name }) =>
        selected.some((stack) => environmentOf(stack) === name),
      );
      const lostStates = lostStatesOf(workspace, all);
      const standing = checkoutStanding(workspace);
      const statuses = await Promise.all(
        environments.map((environment) =>
          environmentStatus(
            environment,
            all.filter((stack) => environmentOf(stack) === environment.name),
            { workspace, lostStates },
          ),
        ),
      );
      const status: ProjectStatus = {
        environments: await withElsewhere(statuses, workspace),
        project: { ...(await projectStatus(workspace, all)), ...checkoutOf(await standing) },
      };
      printStatus(output, status, workspace);
      process.exitCode = exitCode(status);
      output.result({ exitCode: process.exitCode, ...status });
    } finally {
      await workspace.close();
    }
  });
}

/** Not knowing weighs more than knowing that something is wrong: a script must not take the one for the other. */
function exitCode({ environments, project }: ProjectStatus): number {
  const unknown = environments.some(
    ({ stacks, cluster, gitHub }) =>
      (gitHub !== undefined && "unchecked" in gitHub) ||
      cluster.state === "unreachable" ||
      cluster.state === "unknown" ||
      stacks.some(({ state }) => state === "unknown"),
  );
  const { checkout } = project;
  if (unknown || (checkout?.state === "unknown" && checkout.matters)) return COULD_NOT_FIND_OUT;
  const concerned = [...environments.flatMap(concerns), ...projectConcerns(project)].length > 0;
  return concerned ? NOT_AS_IT_SHOULD_BE : AS_IT_SHOULD_BE;
}

async function projectStatus(
  workspace: Workspace,
  stacks: readonly DescribedStack[],
): Promise<ProjectStatus["project"]> {
  return {
    ...(existsSync(join(workspace.directory, "flux"))
      ? {
          pendingFiles: pendingFiles(workspace.directory, replacementsFor(workspace.project)),
          namesToCheck: configurationNotes(workspace),
        }
      : {}),
    // A bucket that can't be reached is told with each stack.
    orphanedStacks: await orphanedStacks(workspace, stacks).catch(() => []),
    ...(workspace.atWork === undefined ? {} : { atWork: workspace.atWork }),
  };
}

const checkoutOf = (checkout: Standing): Pick<ProjectStatus["project"], "checkout"> =>
  checkout.state === "alone" ? {} : { checkout };

/** Tells environments that nobody has deployed from those that were deployed from another checkout. */
async function withElsewhere(
  statuses: readonly EnvironmentStatus[],
  workspace: Workspace,
): Promise<EnvironmentStatus[]> {
  const without = statuses.filter(({ name, stacks }) =>
    stacks.some((stack) => stack.name === `${name}-cluster` && stack.state === "not deployed"),
  );
  const answer = await clustersElsewhere(
    without.map(({ name }) => name),
    workspace,
  ).catch((error: Error) => error.message);
  return statuses.map((status) => {
    if (!without.includes(status)) return status;
    if (typeof answer === "string")
      return { ...status, cluster: { state: "not deployed", unchecked: answer } };
    const found = answer.find(({ environment }) => environment === status.name);
    if (found === undefined) return status;
    const { environment: _, ...cluster } = found;
    return { ...status, cluster: { state: "elsewhere", ...cluster } };
  });
}

/** Commands stand between backticks, so that they are copied as a whole. */
const withQuotedCommands = (workspace: Workspace): Workspace => ({
  ...workspace,
  npmRun: (...words) => `\`${workspace.npmRun(...words)}\``,
});

interface Surroundings {
  readonly workspace: Workspace;
  /** By stack, what is wrong with its state. Found for all stacks at once, since each is compared with all the others. */
  readonly lostStates: Promise<ReadonlyMap<string, string>>;
}

async function lostStatesOf(
  workspace: Workspace,
  stacks: readonly DescribedStack[],
): Promise<ReadonlyMap<string, string>> {
  const store = await openStore(workspace);
  const names = stacks.map(({ name }) => name);
  const lost = await findLostStates(store, names, workspace.project);
  return new Map(lost.map((one) => [one.stack, explainLost(one, store, workspace)]));
}

async function environmentStatus(
  environment: Environment,
  stacks: readonly DescribedStack[],
  surroundings: Surroundings,
): Promise<EnvironmentStatus> {
  const { workspace } = surroundings;
  const read = await Promise.all(stacks.map((stack) => stackStatus(stack, surroundings)));
  const clusterStack = read.find(({ status }) => status.name === `${environment.name}-cluster`);
  const id = clusterStack?.outputs.cluster_id;
  const flux = read.find(({ status }) => status.name === `${environment.name}-flux-configuration`);
  const decryption = flux?.state && deployedKeyProblem(flux.state, environment.name, workspace);
  const gitHubStack = stacks.find(({ name }) => name === `${environment.name}-github-secrets`);
  const isInGitHub = read.some(
    ({ status }) => status.name === gitHubStack?.name && !["not deployed", "unknown"].includes(status.state),
  );
  const [answers, gitHub] = await Promise.all([
    typeof id === "string"
      ? clusterAnswers(id, environment, workspace)
      : { cluster: withoutId(clusterStack?.status) },
    gitHubStack && isInGitHub ? environmentAccess(gitHubStack, workspace) : undefined,
  ]);
  return {
    name: environment.name,
    stacks: read.map(({ status }) => status),
    secrets: secretsStatus(environment.name, workspace),
    ...answers,
    ...(gitHub ? { gitHub } : {}),
    ...(decryption ? { decryption } : {}),
  };
}

/** Needs no key and no token. */
function secretsStatus(environment: string, { directory, variables }: Workspace): SecretsStatus {
  try {
    const all = inventory({ directory, environment, declared: applicationSecrets, variables });
    return {
      needed: all.length,
      missing: all.filter(isOpen).map(({ namespace, name }) => `${namespace}/${name}`),
    };
  } catch (error) {
    return { problem: (error as Error).message };
  }
}

/** Whether others may use the environment in GitHub, which no plan shows. */
async function environmentAccess(
  stack: DescribedStack,
  workspace: Workspace,
): Promise<EnvironmentAccess | undefined> {
  if (!workspace.variables.GITHUB_TOKEN)
    return { unchecked: "Who may use it is not known: GITHUB_TOKEN is not set." };
  try {
    const open = await openEnvironment(stack, workspace);
    return open && { open: explainOpen(open) };
  } catch (error) {
    return { unchecked: `Who may use it is not known: ${(error as Error).message}` };
  }
}

/** The id of the cluster is an output of its stack. */
function withoutId(stack: StackStatus | undefined): ClusterStatus {
  if (stack?.state === "unknown")
    return { state: "unknown", problem: "its id is in the state that can't be read" };
  // A first deploy that is at work, or was cut off, has no outputs yet.
  if (stack?.state !== "deployed") return { state: "not deployed" };
  return { state: "unknown", problem: "the state has the stack, and not the output cluster_id" };
}

async function stackStatus(
  stack: DescribedStack,
  { workspace, lostStates }: Surroundings,
): Promise<{ status: StackStatus; outputs: Readonly<Record<string, unknown>>; state?: StateDocument }> {
  try {
    const lost = (await lostStates).get(stack.name);
    if (lost !== undefined) throw new Error(lost);
    const state = await readState(stack, workspace.variables);
    const { outputs, ...deployment } = stackDeployment(stack.document, state);
    return { status: { name: stack.name, ...deployment }, outputs, state };
  } catch (error) {
    const status = { name: stack.name, state: "unknown", problem: explain(error as Error) } as const;
    return { status, outputs: {} };
  }
}

/** What DigitalOcean says of a cluster, and what the cluster does itself. */
async function clusterAnswers(
  id: string,
  environment: Environment,
  workspace: Workspace,
): Promise<Pick<EnvironmentStatus, "health" | "cluster">> {
  const { variables } = workspace;
  const [health, cluster] = await Promise.all([
    hasDigitalOceanToken(variables)
      ? clusterHealth(id, environment, variables).catch((error: Error) => ({ unchecked: error.message }))
      : undefined,
    clusterStatus(id, environment, workspace),
  ]);
  return { ...(health ? { health } : {}), cluster };
}

/** What is in a cluster. That it can't be asked is part of the answer: other environments have theirs. */
async function clusterStatus(
  clusterId: string,
  environment: Environment,
  workspace: Workspace,
): Promise<ClusterStatus> {
  try {
    return await withCluster({ clusterId, variables: workspace.variables }, async (reader) => {
      const configMap = (name: string) =>
        reader.get<ConfigMap>(`/api/v1/namespaces/${FLUX_NAMESPACE}/configmaps/${name}`);
      // One question first: a cluster that doesn't answer is waited for once.
      const values = await configMap(VALUES_CONFIG_MAP);
      const [variables, flux] = await Promise.all([configMap(VARIABLES_CONFIG_MAP), readFlux(reader)]);
      return {
        state: "reachable",
        id: clusterId,
        configMaps: compareConfigMaps(environment, { values, variables }),
        flux: flux
          ? {
              installed: true,
              ...interpretFlux(flux, {
                environment: environment.name,
                variables: new Set(Object.keys(infrastructureVariables(environment))),
                branch: workspace.project.github?.branch,
                npmRun: workspace.npmRun,
              }),
            }
          : { installed: false, expected: workspace.sandbox === undefined },
      };
    });
  } catch (error) {
    if (error instanceof KubeconfigRefused && error.gone) return { state: "gone", id: clusterId };
    const { message: problem } = error as Error;
    if (error instanceof KubectlMissing) return { state: "unknown", problem };
    return { state: "unreachable", id: clusterId, problem };
  }
}
