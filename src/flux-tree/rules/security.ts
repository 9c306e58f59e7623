import type { Container, Workload } from "../workloads";
import { OutcomeBuilder, type Rule } from "./rule";

/** Capabilities that a pod of the restricted Pod Security standard may have. */
const HARMLESS = new Set(["NET_BIND_SERVICE"]);

/** What a container that was broken into can do. */
export const security: Rule = {
  id: "security",
  title: "non-root, seccomp, no capabilities, read-only root file system, no token without need",
  check({ workloads, objects }) {
    const outcome = new OutcomeBuilder("security");
    const bound = new Set(
      objects
        .filter(({ object }) => /^(Cluster)?RoleBinding$/.test(object.kind))
        .flatMap(({ object }) =>
          (object.subjects ?? []).map(
            ({ namespace, name }: { namespace?: string; name: string }) =>
              `${namespace ?? object.metadata?.namespace}/${name}`,
          ),
        ),
    );
    for (const workload of workloads) {
      checkPod(outcome, workload, bound);
      for (const container of workload.containers) checkContainer(outcome, workload, container);
    }
    return outcome;
  },
};

function checkPod(outcome: OutcomeBuilder, workload: Workload, bound: ReadonlySet<string>): void {
  const { pod, namespace } = workload;
  for (const field of ["hostNetwork", "hostPID", "hostIPC"]) {
    outcome.checkUnlessReasoned(workload, pod[field] !== true, {
      reason: "pod-security",
      problem: `its pods use the node's own (${field})`,
      fix: `leave ${field} out`,
    });
  }
  const paths = (pod.volumes ?? []).filter((volume: { hostPath?: unknown }) => volume.hostPath !== undefined);
  outcome.checkUnlessReasoned(workload, paths.length === 0, {
    reason: "pod-security",
    problem: `its pods mount the node's files (${paths.map(({ name }: { name: string }) => name).join(", ")})`,
    fix: "leave hostPath out",
  });
  const account = pod.serviceAccountName ?? "default";
  outcome.checkUnlessReasoned(
    workload,
    pod.automountServiceAccountToken === false || bound.has(`${namespace}/${account}`),
    {
      reason: "service-account",
      problem: `its pods get a token of the Kubernetes API, and no role is bound to the service account ${account}`,
      fix: "set automountServiceAccountToken: false in the pod's spec",
    },
  );
}

function checkContainer(outcome: OutcomeBuilder, workload: Workload, { name, spec }: Container): void {
  const pod = workload.pod.securityContext ?? {};
  const own = spec.securityContext ?? {};
  const of = `container ${name}`;
  outcome.checkUnlessReasoned(
    workload,
    (own.runAsNonRoot ?? pod.runAsNonRoot) === true && !isRoot(own, pod),
    {
      reason: "non-root",
      problem: `${of} may run as root`,
      fix: "set runAsNonRoot: true in the pod's securityContext",
    },
  );
  outcome.checkUnlessReasoned(
    workload,
    ["RuntimeDefault", "Localhost"].includes((own.seccompProfile ?? pod.seccompProfile)?.type),
    {
      reason: "pod-security",
      problem: `${of} may make every system call`,
      fix: "set seccompProfile: { type: RuntimeDefault } in the pod's securityContext",
    },
  );
  outcome.checkUnlessReasoned(workload, own.allowPrivilegeEscalation === false && own.privileged !== true, {
    reason: "capabilities",
    problem: `${of} may gain privileges`,
    fix: "set allowPrivilegeEscalation: false in its securityContext",
  });
  const { drop = [], add = [] } = own.capabilities ?? {};
  const added = add.filter((capability: string) => !HARMLESS.has(capability));
  outcome.checkUnlessReasoned(workload, drop.includes("ALL") && added.length === 0, {
    reason: "capabilities",
    problem: added.length > 0 ? `${of} has the capabilities ${added.join(", ")}` : `${of} keeps capabilities`,
    fix: "set capabilities: { drop: [ALL] } in its securityContext",
  });
  outcome.checkUnlessReasoned(workload, own.readOnlyRootFilesystem === true, {
    reason: "read-only-root",
    problem: `${of} can write to its root file system`,
    fix: "set readOnlyRootFilesystem: true in its securityContext, with an emptyDir for what it writes",
  });
}

function isRoot(own: { runAsUser?: number }, pod: { runAsUser?: number }): boolean {
  return (own.runAsUser ?? pod.runAsUser) === 0;
}
