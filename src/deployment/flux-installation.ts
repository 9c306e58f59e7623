import type { GitHubRepository } from "../config";
import type { Output } from "../terminal/output";
import type { Variables } from "../terraform";
import type { StackResult } from "./apply-all";
import { bootstrapArguments, bootstrapFlux, bootstrapObstacle } from "./flux-bootstrap";
import { checkPublication, explainPublication, publish } from "./publication";

/** How an environment came to its Flux. */
export interface FluxOutcome {
  readonly environment: string;
  readonly status: "installed" | "left out" | "failed";
  readonly reason?: string;
}

export interface FluxInstallation {
  readonly directory: string;
  readonly variables: Variables;
  readonly output: Output;
  /** Absent: Flux is the user's to install. */
  readonly github?: GitHubRepository;
  /** What was deployed. An environment whose cluster or ConfigMaps failed has the reason why Flux can't run there. */
  readonly environments: readonly { readonly name: string; readonly obstacle?: string }[];
  readonly clusterId: (environment: string) => Promise<string>;
  /** Commit and push first. */
  readonly push?: boolean;
  /** Somebody means it that Flux follows another repository or branch from now on. */
  readonly anotherRepository?: boolean;
}

/** Why Flux can't run in an environment: it needs its cluster and the ConfigMaps. GitHub's stack keeps it from nothing. */
export function fluxObstacle(
  environment: string,
  stacks: readonly Pick<StackResult, "name" | "status">[],
): string | undefined {
  const missing = stacks.find(
    ({ name, status }) =>
      [`${environment}-cluster`, `${environment}-flux-configuration`].includes(name) &&
      status !== "applied" &&
      status !== "unchanged",
  );
  return missing && `${missing.name} is not deployed (${missing.status})`;
}

/**
 * Whether Flux is where it should be; what isn't is printed where it is required. CI requires it: nobody there reads that something was
 * left out.
 */
export function isFluxComplete(
  outcomes: readonly FluxOutcome[],
  isRequired: boolean,
  output: Pick<Output, "problem">,
): boolean {
  const missing = outcomes.filter(({ status }) => status !== "installed");
  if (!isRequired) return missing.every(({ status }) => status === "left out");
  for (const { environment, reason } of missing)
    output.problem(`${environment}: this deploy fails, since Flux was not installed (${reason}).`);
  return missing.length === 0;
}

/**
 * Installs Flux in every environment that is ready for it, once the branch that it reads has this checkout's tree. What fails in one
 * environment keeps Flux from no other. Whatever is left out is printed with what to do.
 */
export async function installFlux(installation: FluxInstallation): Promise<FluxOutcome[]> {
  const { directory, github, output, environments, push, variables } = installation;
  const branch = github?.branch ?? "main";
  const blocked = environments.flatMap(({ name, obstacle }) =>
    obstacle === undefined ? [] : [leaveOut(output, name, obstacle)],
  );
  const ready = environments.filter(({ obstacle }) => obstacle === undefined).map(({ name }) => name);
  if (ready.length === 0) return blocked;
  const all = (status: FluxOutcome["status"], reason: string): FluxOutcome[] => [
    ...blocked,
    ...ready.map((environment) => ({ environment, status, reason })),
  ];
  try {
    if (push) await publish(directory, branch, github, variables);
  } catch (error) {
    output.problem(`Flux was not installed: ${(error as Error).message}`);
    return all("failed", (error as Error).message);
  }
  const publication = await checkPublication(directory, branch, github, variables);
  if (publication.state !== "published") {
    const lines = explainPublication(directory, publication, branch);
    for (const line of lines) output.line(line);
    output.line("Then `npm run deploy` again: it installs Flux into the clusters.");
    return github ? all("left out", lines[0] ?? publication.state) : [];
  }
  if (!github) {
    for (const environment of ready)
      output.line(
        `${environment}: without "github" in the configuration Flux is yours to install (flux bootstrap git --path=flux/clusters/${environment}).`,
      );
    return [];
  }
  const outcomes: FluxOutcome[] = [];
  for (const environment of ready) outcomes.push(await installIn(environment, { ...installation, github }));
  return [...blocked, ...outcomes];
}

async function installIn(
  environment: string,
  {
    directory,
    variables,
    output,
    github,
    clusterId,
    anotherRepository,
  }: FluxInstallation & { readonly github: GitHubRepository },
): Promise<FluxOutcome> {
  const obstacle = bootstrapObstacle(variables);
  if (obstacle) {
    output.line(`${environment}: ${obstacle}, so run this yourself (safe to repeat):`);
    output.line(
      `  flux ${bootstrapArguments({ directory, environment, github, variables }, false).join(" ")}`,
    );
    return { environment, status: "left out", reason: obstacle };
  }
  output.line(`${environment}: installing Flux (flux bootstrap github)`);
  try {
    await bootstrapFlux({
      directory,
      environment,
      github,
      clusterId: await clusterId(environment),
      variables,
      ...(anotherRepository ? { anotherRepository } : {}),
    });
    return { environment, status: "installed" };
  } catch (error) {
    const reason = (error as Error).message;
    output.problem(`${environment}: ${reason}`);
    return { environment, status: "failed", reason };
  }
}

function leaveOut(output: Output, environment: string, reason: string): FluxOutcome {
  output.line(`${environment}: Flux is left out, since ${reason}.`);
  return { environment, status: "left out", reason };
}
