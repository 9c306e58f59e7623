import { pack } from "../../../src/config/amounts";
import { describeWithKubectl } from "../kubectl";
import { mistake, SHOP, SmallTree, smallProject } from "./small-tree";

const cluster = (change: Record<string, unknown>) =>
  smallProject((document) => Object.assign(document.environments[0].cluster, change));

describeWithKubectl("capacity", () => {
  test("adds up what pods, databases and charts ask for", async () => {
    const tree = new SmallTree();
    const { environments } = await tree.validate({ project: cluster({ nodeCount: 3 }) });
    tree.remove();

    // web 2 × (250m, 256Mi), the database and metrics-server the same once, the report (100m, 128Mi) once.
    expect(environments[0]?.capacity).toMatchObject({
      nodeSize: "s-2vcpu-4gb",
      nodes: 3,
      perNode: { cpu: 1498, memory: 2055 },
      requests: { cpu: 1100, memory: 1152 },
      needed: 1,
      volumes: 2,
      systems: { shop: { pods: 5, requests: { cpu: 1100, memory: 1152 }, volumes: 2 } },
    });
    expect(environments[0]?.capacity?.neededAtMost).toBe(2);
  });

  mistake(
    "more than the nodes have",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "minReplicas: 2\n  maxReplicas: 4",
        "minReplicas: 20\n  maxReplicas: 40",
      ),
    [
      "capacity | infrastructure.config.json, environment staging: the applications ask for 5600m CPU and 5760Mi memory and 2 volumes, which takes 5 nodes of s-2vcpu-4gb (1498m CPU and 2055Mi memory each), and there are at most 2: 2604m CPU and 1650Mi memory are missing; set cluster.nodeCount to 5, choose a larger nodeSize, or put applications on a smaller profile",
    ],
    { project: cluster({ nodeCount: 2 }) },
  );
  mistake(
    "more than the nodes have when the pool is largest",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "minReplicas: 2\n  maxReplicas: 4",
        "minReplicas: 20\n  maxReplicas: 40",
      ),
    [
      "capacity | infrastructure.config.json, environment staging: the applications ask for 5600m CPU and 5760Mi memory and 2 volumes, which takes 5 nodes of s-2vcpu-4gb (1498m CPU and 2055Mi memory each), and there are at most 3: 1106m CPU is missing; set cluster.maxNodes to 5, choose a larger nodeSize, or put applications on a smaller profile",
    ],
    { project: cluster({ nodeCount: 1, minNodes: 1, maxNodes: 3 }) },
  );
  mistake(
    "as much as the pool has when it is largest",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "minReplicas: 2\n  maxReplicas: 4",
        "minReplicas: 10\n  maxReplicas: 40",
      ),
    [],
    { project: cluster({ nodeCount: 1, minNodes: 1, maxNodes: 3 }) },
  );
  mistake(
    "more memory than the node has",
    (tree) =>
      tree.replace(
        `${SHOP}/report.yaml`,
        "memory: 128Mi\n                limits",
        "memory: 1900Mi\n                limits",
      ),
    [
      "capacity | infrastructure.config.json, environment staging: the applications ask for 1100m CPU and 2924Mi memory and 2 volumes, which takes 2 nodes of s-2vcpu-4gb (1498m CPU and 2055Mi memory each), and there is at most 1: 869Mi memory is missing; set cluster.nodeCount to 2, choose a larger nodeSize, or put applications on a smaller profile",
    ],
    { project: cluster({ nodeCount: 1 }) },
  );
  mistake(
    "a pod that fits no node",
    (tree) => tree.replace(`${SHOP}/report.yaml`, "cpu: 100m", "cpu: 1600m"),
    [
      "capacity | CronJob shop/report in flux/apps/shop/staging: a pod of CronJob report asks for 1600m CPU and 128Mi memory, and a node has 1498m CPU and 2055Mi memory for it; choose a smaller profile for it, or a larger nodeSize",
    ],
  );
  mistake(
    "more volumes than the nodes take",
    (tree) => {
      for (let number = 1; number <= 6; number += 1)
        tree.append(
          `${SHOP}/volume.yaml`,
          tree.read(`${SHOP}/volume.yaml`).split("---\n")[0]?.replace("pictures", `pictures-${number}`) ?? "",
        );
    },
    [
      "capacity | infrastructure.config.json, environment staging: the applications ask for 1100m CPU and 1152Mi memory and 8 volumes, which takes 2 nodes of s-2vcpu-4gb (1498m CPU and 2055Mi memory each), and there is at most 1; set cluster.nodeCount to 2, choose a larger nodeSize, or put applications on a smaller profile",
    ],
    { project: cluster({ nodeCount: 1 }) },
  );
  mistake(
    "another pool helps, when it takes every pod",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "minReplicas: 2\n  maxReplicas: 4",
        "minReplicas: 10\n  maxReplicas: 40",
      ),
    [],
    { project: cluster({ nodeCount: 1, pools: [{ name: "more", nodeSize: "s-4vcpu-8gb", nodeCount: 1 }] }) },
  );
  mistake(
    "another pool does not help, when it is for some pods only",
    (tree) =>
      tree.replace(
        `${SHOP}/web.yaml`,
        "minReplicas: 2\n  maxReplicas: 4",
        "minReplicas: 10\n  maxReplicas: 40",
      ),
    [
      "capacity | infrastructure.config.json, environment staging: the applications ask for 3100m CPU and 3200Mi memory and 2 volumes, which takes 3 nodes of s-2vcpu-4gb (1498m CPU and 2055Mi memory each), and there is at most 1: 1602m CPU and 1145Mi memory are missing; set cluster.nodeCount to 3, choose a larger nodeSize, or put applications on a smaller profile",
    ],
    {
      project: cluster({
        nodeCount: 1,
        pools: [
          {
            name: "gpu",
            nodeSize: "s-4vcpu-8gb",
            nodeCount: 1,
            taints: [{ key: "gpu", value: "true", effect: "NoSchedule" }],
          },
        ],
      }),
    },
  );
});

describe("packing", () => {
  const node = { cpu: 1000, memory: 1000 };
  test.each([
    ["nothing", [], 0],
    [
      "what fits one",
      [
        { cpu: 500, memory: 100 },
        { cpu: 500, memory: 100 },
      ],
      1,
    ],
    [
      "what memory divides",
      [
        { cpu: 100, memory: 600 },
        { cpu: 100, memory: 600 },
      ],
      2,
    ],
    ["large ones first", [300, 700, 300, 700].map((cpu) => ({ cpu, memory: 1 })), 2],
    ["what fits none", [{ cpu: 1001, memory: 1 }], undefined],
  ])("%s", (_, pods, nodes) => {
    expect(pack(pods, node, [])).toBe(nodes);
  });

  test("uses nodes that are there anyway first", () => {
    expect(pack([{ cpu: 900, memory: 900 }], node, [{ cpu: 900, memory: 900 }])).toBe(0);
  });
});
