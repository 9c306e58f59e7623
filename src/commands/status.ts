import type { Command } from "commander";
import {
  type ConfigMap,
  compareConfigMaps,
  interpretFlux,
  KubeconfigRefused,
  readFlux,
  withCluster,
} from "../cluster";
import type { Environment } from "../config";
import { explain } from "../deployment/failure";
import { INTERRUPTED_EXIT_CODE } from "../deployment/interruption";
import { selectStacks } from "../deployment/selection";
import { FLUX_NAMESPACE, infrastructureVariables, VALUES_CONFIG_MAP, VARIABLES_CONFIG_MAP } from "../flux";
import { Output } from "../terminal/output";
import { environmentOf, readState, stackDeployment } from "../terraform";
import { type DescribedStack, describeStacks, openWorkspace, type Workspace } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";
import { type ClusterStatus, concerns, type EnvironmentStatus, type StackStatus } from "./status-report";
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
    for (const signal of ["SIGINT", "SIGTERM"] as const)
      process.once(signal, () => process.exit(INTERRUPTED_EXIT_CODE));
    const workspace = await openWorkspace({
      command: "status",
      sandbox: sandboxName(options),
      readOnly: true,
      // It says how far things are with whatever credentials there are.
      online: false,
    });
    try {
      const all = await describeStacks(workspace);
      const selected = selectStacks(all, { environments: options.environment, stacks: [] });
      const environments = workspace.project.environments.filter(({ name }) =>
        selected.some((stack) => environmentOf(stack) === name),
      );
      const statuses = await Promise.all(
        environments.map((environment) =>
          environmentStatus(
            environment,
            all.filter((stack) => environmentOf(stack) === environment.name),
            workspace,
          ),
        ),
      );
      printStatus(output, statuses, workspace);
      process.exitCode = exitCode(statuses);
      output.result({ exitCode: process.exitCode, environments: statuses });
    } finally {
      await workspace.close();
    }
  });
}

/** Not knowing weighs more than knowing that something is wrong: a script must not take the one for the other. */
function exitCode(statuses: readonly EnvironmentStatus[]): number {
  const unknown = statuses.some(
    ({ stacks, cluster }) =>
      cluster.state === "unreachable" || stacks.some(({ state }) => state === "unknown"),
  );
  if (unknown) return COULD_NOT_FIND_OUT;
  return statuses.every((status) => concerns(status).length === 0) ? AS_IT_SHOULD_BE : NOT_AS_IT_SHOULD_BE;
}

async function environmentStatus(
  environment: Environment,
  stacks: readonly DescribedStack[],
  workspace: Workspace,
): Promise<EnvironmentStatus> {
  const read = await Promise.all(stacks.map((stack) => stackStatus(stack, workspace)));
  const id = read.find(({ status }) => status.name === `${environment.name}-cluster`)?.outputs.cluster_id;
  return {
    name: environment.name,
    stacks: read.map(({ status }) => status),
    cluster:
      typeof id === "string" ? await clusterStatus(id, environment, workspace) : { state: "not deployed" },
  };
}

async function stackStatus(
  stack: DescribedStack,
  { variables }: Workspace,
): Promise<{ status: StackStatus; outputs: Readonly<Record<string, unknown>> }> {
  try {
    const state = await readState(stack, variables);
    const { outputs, ...deployment } = stackDeployment(stack.document, state);
    return { status: { name: stack.name, ...deployment }, outputs };
  } catch (error) {
    const status = { name: stack.name, state: "unknown", problem: explain(error as Error) } as const;
    return { status, outputs: {} };
  }
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
    return { state: "unreachable", id: clusterId, problem: (error as Error).message };
  }
}
