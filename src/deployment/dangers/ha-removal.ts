import { environmentOf } from "../../terraform";
import { type Danger, environmentField, type Finding } from "./danger";

/** haControlPlane from true to false, which DigitalOcean doesn't do: the apply would fail in the middle. */
export const haRemoval: Danger = ({ plans, workspace: { project } }) =>
  plans.flatMap(({ stack, changes }) =>
    changes
      .filter(
        ({ type, attributes }) =>
          type === "digitalocean_kubernetes_cluster" &&
          attributes.some(({ path, before, after }) => path === "ha" && before === true && after === false),
      )
      .map((): Finding => {
        const environment = environmentOf(stack);
        return {
          kind: "ha-removal",
          environment,
          field: environmentField(project, environment, "cluster.haControlPlane"),
          problem: `${stack.name}: cluster.haControlPlane would go from true to false.`,
          consequence:
            "DigitalOcean can't turn it off: its API refuses, and the deploy ends in the middle, at the cluster.",
          remedy: "set it to true again. A cluster without it has to be a new environment.",
          deadEnd: "DigitalOcean refuses it, and the cluster stays as it is.",
        };
      }),
  );
