import { OutcomeBuilder, type Rule } from "./rule";

/** Kubernetes notices when a container hangs, and sends it nothing before it is ready. */
export const probes: Rule = {
  id: "probes",
  title: "liveness and readiness probes of every container that runs long",
  check({ workloads }) {
    const outcome = new OutcomeBuilder("probes");
    for (const workload of workloads) {
      for (const { name, longRunning, spec } of workload.containers) {
        if (!longRunning) continue;
        for (const probe of ["livenessProbe", "readinessProbe"]) {
          outcome.checkUnlessReasoned(workload, spec[probe] !== undefined, {
            reason: "probes",
            problem: `container ${name} has no ${probe}`,
            fix: "add one",
          });
        }
      }
    }
    return outcome;
  },
};
