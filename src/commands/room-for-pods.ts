import type { Environment, Project } from "../config";
import { type CapacityAnswer, type CapacityQuestion, type Room, shortOf } from "../deployment/dangers";
import type { CapacityReader } from "../deployment/examination";
import { type Capacity, FluxTree, formatAmount, TreeValidator } from "../flux-tree";
import { addressed } from "../place";
import { REPOSITORY, type Workspace } from "../workspace";

/**
 * Adds up what the pods of a workspace's tree ask for, by rendering the tree with the sizes that are deployed and with those that
 * would be. Without kubectl or helm, or with a tree that doesn't render, that can't be told: a note says so, and nothing is refused.
 * @param stopped why somebody interrupted, if somebody did
 */
export function capacityReader(
  { directory, project }: Pick<Workspace, "directory" | "project">,
  stopped: () => string | undefined = () => undefined,
): CapacityReader {
  return async (questions) => {
    const answers = new Map<string, CapacityAnswer>();
    const unknown: string[] = [];
    let validator: TreeValidator | undefined;
    for (const question of questions) {
      const { name } = question.wanted;
      try {
        validator ??= new TreeValidator(new FluxTree(directory, REPOSITORY));
        answers.set(name, await answer(validator, project, question));
      } catch (error) {
        // What renders gets a terminal's Ctrl-C too, and ends with an error: that is no fault of the tree.
        const why = stopped() ?? addressed(directory, (error as Error).message);
        unknown.push(`${name}: whether the pods fit the nodes was not checked: ${why}`);
      }
    }
    return { answers, unknown };
  };
}

async function answer(
  validator: TreeValidator,
  project: Project,
  { deployed, wanted }: CapacityQuestion,
): Promise<CapacityAnswer> {
  const room = roomIn(await capacityOf(validator, project, wanted));
  // What there was before matters only to a shortage, and rendering it takes as long again.
  if (shortOf(room) <= 0) return { wanted: room };
  // Somebody may have edited the deployed values, so that they render no more.
  const before = await capacityOf(validator, project, deployed).catch(() => undefined);
  return { wanted: room, ...(before === undefined ? {} : { deployed: roomIn(before) }) };
}

/** @throws Error when the sum can't be told */
async function capacityOf(
  validator: TreeValidator,
  project: Project,
  environment: Environment,
): Promise<Capacity> {
  const environments = project.environments.map((one) => (one.name === environment.name ? environment : one));
  const { environments: reports, leftOut } = await validator.validate({
    project: { ...project, environments },
    environments: [environment.name],
    rules: [],
  });
  const capacity = reports.find(({ name }) => name === environment.name)?.capacity;
  if (capacity) return capacity;
  const [reason] = leftOut;
  throw new Error(reason?.why ?? "flux/ doesn't render (npm run validate says where)");
}

function roomIn(capacity: Capacity): Room {
  const { needed, nodes, nodeSize, requests, largestNode, pods } = capacity;
  return {
    needed,
    nodes,
    nodeSize,
    requests: formatAmount(requests),
    tooLarge: pods
      .filter(({ requests: { cpu, memory } }) => cpu > largestNode.cpu || memory > largestNode.memory)
      .map(
        (pod) =>
          `a pod of ${pod.name} would ask for ${formatAmount(pod.requests)}, and a node has ${formatAmount(largestNode)} for it`,
      ),
  };
}
