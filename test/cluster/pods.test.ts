import { type Node, type Pod, roomForPods } from "../../src/cluster/pods";
import { type NodeSize, nodeSize } from "../../src/config/node-sizes";

const SIZE = nodeSize("s-2vcpu-4gb") as NodeSize;
/** 1900m and 2560Mi are what pods can use of such a node. */
const pool = (nodeCount: number, maxNodes?: number) => ({
  node: SIZE,
  nodeCount,
  ...(maxNodes === undefined ? {} : { autoscaling: { minNodes: 1, maxNodes } }),
});

let made = 0;
function pod(cpu: string, memory: string, more: Partial<Pod["spec"]> = {}, owner?: string): Pod {
  made += 1;
  return {
    metadata: {
      name: `pod-${made}`,
      namespace: "apps",
      ownerReferences: owner === undefined ? [] : [{ kind: owner, name: `${owner}-x` }],
    },
    spec: { containers: [{ resources: { requests: { cpu, memory } } }], ...more },
    status: { phase: "Running" },
  };
}
function node(name: string, poolName: string, spec: Node["spec"] = {}): Node {
  return {
    metadata: { name, labels: { "hybrid-gitops/pool": poolName } },
    spec,
    status: { allocatable: { cpu: "1900m", memory: "2560Mi" } },
  };
}

test("pods of the workload pool have to fit on the nodes that it will have", () => {
  const pods = [1, 2, 3].map(() => pod("1000m", "1Gi", { nodeName: "w1" }));
  const nodes = [node("w1", "workload")];
  expect(roomForPods({ pods, nodes }, pool(2))).toMatchObject({ fits: false, needed: 3, pods: 3 });
  expect(roomForPods({ pods, nodes }, pool(3))).toMatchObject({
    fits: true,
    needed: 3,
    asked: { cpu: 3000, memory: 3072 },
  });
});

test("with an autoscaler its maximum counts", () => {
  const pods = [1, 2, 3].map(() => pod("1000m", "1Gi", { nodeName: "w1" }));
  expect(roomForPods({ pods, nodes: [node("w1", "workload")] }, pool(1, 3)).fits).toBe(true);
  expect(roomForPods({ pods, nodes: [node("w1", "workload")] }, pool(3, 2)).fits).toBe(false);
});

test("a pod that is larger than every node is named, and no number of nodes is enough", () => {
  const big = pod("1000m", "3Gi");
  expect(roomForPods({ pods: [pod("10m", "10Mi"), big], nodes: [] }, pool(9))).toMatchObject({
    fits: false,
    needed: undefined,
    largest: [{ name: `apps/${big.metadata.name}`, asked: { cpu: 1000, memory: 3072 } }, {}],
  });
});

test("pods on other pools stay there, and what is free there takes pods", () => {
  const pods = [pod("1500m", "1Gi", { nodeName: "s1" }), pod("1900m", "1Gi", { nodeName: "w1" })];
  const nodes = [node("s1", "system"), node("w1", "workload")];
  expect(roomForPods({ pods, nodes }, pool(1))).toMatchObject({ fits: true, pods: 1, needed: 1 });
  const small = [...pods, pod("300m", "100Mi", { nodeName: "w1" })];
  expect(roomForPods({ pods: small, nodes }, pool(1))).toMatchObject({ fits: true, needed: 1 });
  for (const closed of [
    { unschedulable: true },
    { taints: [{ effect: "NoSchedule" }] },
    { taints: [{ effect: "NoExecute" }] },
  ])
    expect(
      roomForPods({ pods: small, nodes: [node("s1", "system", closed), node("w1", "workload")] }, pool(1)),
    ).toMatchObject({ fits: false, needed: 2 });
  const preferring = node("s1", "system", { taints: [{ effect: "PreferNoSchedule" }] });
  expect(roomForPods({ pods: small, nodes: [preferring, node("w1", "workload")] }, pool(1)).fits).toBe(true);
});

test("what waits for a node, or is ending, needs a place; what has ended doesn't", () => {
  const ended = (phase: string): Pod => ({ ...pod("1900m", "1Gi"), status: { phase } });
  const waiting: Pod = { ...pod("1900m", "1Gi"), status: { phase: "Pending" } };
  expect(
    roomForPods({ pods: [ended("Succeeded"), ended("Failed"), waiting], nodes: [] }, pool(1)),
  ).toMatchObject({ fits: true, pods: 1 });
  const ending = pod("1900m", "1Gi", { nodeName: "w1" });
  const deleted = { ...ending, metadata: { ...ending.metadata, deletionTimestamp: "2026-11-01T00:00:00Z" } };
  expect(roomForPods({ pods: [waiting, deleted], nodes: [node("w1", "workload")] }, pool(1))).toMatchObject({
    fits: false,
    pods: 2,
  });
});

test("a DaemonSet takes its part of every node, once", () => {
  const daemons = ["w1", "w2"].map((nodeName) => pod("900m", "100Mi", { nodeName }, "DaemonSet"));
  const nodes = [node("w1", "workload"), node("w2", "workload")];
  const pods = [...daemons, pod("1000m", "100Mi", { nodeName: "w1" })];
  expect(roomForPods({ pods, nodes }, pool(1))).toMatchObject({ fits: true, pods: 1 });
  const larger = [...daemons, pod("1001m", "100Mi", { nodeName: "w1" })];
  expect(roomForPods({ pods: larger, nodes }, pool(1))).toMatchObject({ fits: false, needed: undefined });
});

test("init containers count with the largest, sidecars and the overhead with the rest", () => {
  const requests = (cpu: string, memory: string) => ({ resources: { requests: { cpu, memory } } });
  const one = pod("100m", "100Mi", {
    initContainers: [requests("50m", "700Mi"), { ...requests("200m", "50Mi"), restartPolicy: "Always" }],
    overhead: { cpu: "10m", memory: "20Mi" },
  });
  expect(roomForPods({ pods: [one], nodes: [] }, pool(1)).asked).toEqual({ cpu: 310, memory: 720 });
});
