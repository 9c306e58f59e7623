import { type Amount, formatAmount } from "../../config/amounts";
import { listOf } from "../../place";
import { capacityOf } from "../capacity";
import { OutcomeBuilder, type Rule, WHOLE_TREE } from "./rule";

/** What the pods ask for has room on the nodes. */
export const capacity: Rule = {
  id: "capacity",
  title: "the sum of requests and volumes fits the nodes, and the largest pod one of them",
  check(context) {
    const outcome = new OutcomeBuilder("capacity");
    if (!context.hasCluster) return outcome;
    if (!context.complete) {
      outcome.leftOut = "not every object is known, so neither is the sum";
      return outcome;
    }
    const { environment } = context;
    const result = capacityOf(context);
    const { perNode, nodes, needed, requests, volumes, short } = result;
    const place = {
      system: WHOLE_TREE,
      place: `infrastructure.config.json, environment ${environment.name}`,
    };
    const slug = environment.cluster.node.slug;
    const count = environment.cluster.autoscaling ? "maxNodes" : "nodeCount";
    for (const pod of result.pods) {
      const fits =
        pod.requests.cpu <= result.largestNode.cpu && pod.requests.memory <= result.largestNode.memory;
      outcome.check(
        { system: pod.system, place: pod.place },
        fits,
        `a pod of ${pod.name} asks for ${formatAmount(pod.requests)}, and a node has ${formatAmount(result.largestNode)} for it`,
        "choose a smaller profile for it, or a larger nodeSize",
      );
    }
    if (needed === undefined) return outcome;
    outcome.check(
      place,
      needed <= nodes,
      `the applications ask for ${formatAmount(requests)} and ${volumes} volumes, which takes ${needed} nodes of ${slug} (${formatAmount(perNode)} each), and there ${nodes === 1 ? "is" : "are"} at most ${nodes}${missing(short)}`,
      `set cluster.${count} to ${needed}, choose a larger nodeSize, or put applications on a smaller profile`,
    );
    return outcome;
  },
};

/** `: 500m CPU and 869Mi memory are missing`; nothing where the sum would fit, and only the pods don't. */
function missing({ cpu, memory }: Amount): string {
  const parts = [
    ...(cpu > 0 ? [`${Math.ceil(cpu)}m CPU`] : []),
    ...(memory > 0 ? [`${Math.ceil(memory)}Mi memory`] : []),
  ];
  return parts.length > 0 ? `: ${listOf(parts)} ${parts.length > 1 ? "are" : "is"} missing` : "";
}
