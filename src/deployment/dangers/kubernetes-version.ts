import { environmentOf } from "../../terraform";
import { foundVersion, minorOf } from "../kubernetes-version";
import { type Danger, environmentField, type Finding } from "./danger";

/**
 * A Kubernetes version more than one minor version above the one that runs: DigitalOcean upgrades one minor version at a time, so no deploy
 * does what the configuration says. A version below the one that runs is a note of the plan, since DigitalOcean upgrades by itself.
 */
export const kubernetesVersion: Danger = ({ deployed, plans, workspace: { project } }) =>
  project.environments.flatMap(({ name, cluster }): Finding[] => {
    const plan = plans.find(({ stack }) => stack.name === `${name}-cluster` && environmentOf(stack) === name);
    const running = minorOf((plan && foundVersion(plan)) ?? deployed.get(name)?.version);
    const wanted = minorOf(cluster.version);
    if (running === undefined || wanted === undefined || wanted <= running + 1) return [];
    return [
      {
        environment: name,
        field: environmentField(project, name, "cluster.version"),
        kind: "version-skip",
        problem: `${name} runs Kubernetes 1.${running}, and the configuration wants 1.${wanted}.`,
        consequence:
          "DigitalOcean upgrades one minor version at a time; APIs that are gone in between break what still uses them.",
        remedy: `set it to "1.${running + 1}" and deploy: that upgrades the cluster in place. Check the applications, then go on to the next. To stay, set it to "1.${running}", or leave it out.`,
        deadEnd: "a deploy upgrades by one minor version only, and would leave the cluster as it is.",
      },
    ];
  });
