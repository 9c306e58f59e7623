import { setTimeout as sleep } from "node:timers/promises";
import { CLUSTER, errorsOf, Playground, type Run } from "./terraform";

let playground: Playground;
beforeEach(async () => {
  playground = await Playground.start();
});
afterEach(() => playground.stop());

const VPC = (name = "staging") =>
  `resource "digitalocean_vpc" "it" {\n  name   = "${name}"\n  region = "nyc3"\n}\n`;
const fault = (kind: string, operation: string, more: object = {}) => ({
  provider: "digitalocean",
  type: "digitalocean_vpc",
  operation,
  fault: kind,
  times: 1,
  ...more,
});

/** What terraform says when the provider's process is gone. */
const GONE = /^(?:Plugin did not respond|Request cancelled|Plugin error|rpc error)/;

const KINDS: ReadonlyArray<readonly [kind: string, message: RegExp]> = [
  ["429", /: 429 \(request "[-\w]+"\) API rate limit exceeded\.$/],
  ["500", /: 500 \(request "[-\w]+"\) Server was unable to give you a response\.$/],
  ["timeout", /context deadline exceeded \(Client\.Timeout exceeded while awaiting headers\)$/],
  ["reset", GONE],
];

describe.each(KINDS)("a fault %s", (kind, message) => {
  test("strikes create, read, update and delete once each, and the next run goes through", async () => {
    const workspace = await playground.workspace("main", VPC());
    const struck: Array<[string, string[], number]> = [];
    const strike = async (operation: string, run: () => Promise<Run>) => {
      playground.faults(fault(kind, operation));
      struck.push([operation, errorsOf(await run()), playground.read("faults.json")[0].times]);
    };
    await strike("create", () => workspace.apply());
    expect(() => playground.read("digitalocean.json")).toThrow("ENOENT");
    await workspace.mustApply();
    await strike("read", () => workspace.plan());
    workspace.write(VPC("renamed"));
    await strike("plan", () => workspace.plan("-refresh=false"));
    await strike("update", () => workspace.apply());
    await workspace.mustApply();
    await strike("delete", () => workspace.destroy());
    expect(errorsOf(await workspace.destroy())).toStrictEqual([]);
    expect(struck).toStrictEqual(
      ["create", "read", "plan", "update", "delete"].map((operation) => [
        operation,
        [expect.stringMatching(message)],
        0,
      ]),
    );
  });
});

describe("a crash", () => {
  test("comes after the cloud has changed and before terraform knows", async () => {
    const workspace = await playground.workspace("main", VPC());
    playground.faults(fault("crash", "create"));
    expect(errorsOf(await workspace.apply())).toStrictEqual([expect.stringMatching(GONE)]);
    const [id] = Object.keys(playground.read("digitalocean.json").digitalocean_vpc);
    expect(Object.keys(workspace.state())).toStrictEqual([]);
    // The provider is there again: what was made is there too, and can be imported.
    expect(errorsOf(await workspace.apply())).toStrictEqual([expect.stringContaining("already exists")]);
    workspace.write(`${VPC()}import {\n  to = digitalocean_vpc.it\n  id = "${id}"\n}\n`);
    await workspace.mustApply();
    expect((await workspace.plan()).code).toBe(0);
  });

  test("in a delete leaves a state that the next run puts right", async () => {
    const workspace = await playground.workspace("main", VPC());
    await workspace.mustApply();
    playground.faults(fault("crash", "delete"));
    expect(errorsOf(await workspace.destroy())).toStrictEqual([expect.stringMatching(GONE)]);
    expect(errorsOf(await workspace.destroy())).toStrictEqual([]);
    expect(Object.keys(workspace.state())).toStrictEqual([]);
  });

  test("is what the caller wants it to be", async () => {
    const crashed: string[] = [];
    const other = await Playground.start({ onCrash: (provider) => crashed.push(provider) });
    try {
      const workspace = await other.workspace("main", VPC());
      other.faults(fault("crash", "create"));
      await workspace.apply();
      expect(crashed).toStrictEqual(["digitalocean"]);
    } finally {
      await other.stop();
    }
  });
});

test("a stall answers when its entry is taken out of the file, with the cloud changed long before", async () => {
  const workspace = await playground.workspace("main", VPC());
  playground.faults(fault("stall", "create"));
  let isOver = false;
  const apply = workspace.apply().finally(() => {
    isOver = true;
  });
  while (playground.read("faults.json")[0].times > 0) await sleep(20);
  await sleep(200);
  expect([isOver, Object.keys(playground.read("digitalocean.json").digitalocean_vpc)]).toEqual([
    false,
    [expect.any(String)],
  ]);
  playground.faults();
  expect(errorsOf(await apply)).toStrictEqual([]);
  expect((await workspace.plan()).code).toBe(0);
});

test("terraform is told a process that it may kill: nobody's, and there as long as the sandbox is", async () => {
  const other = await Playground.start();
  const workspace = await other.workspace("main", VPC());
  const [{ Pid: pid }] = Object.values(JSON.parse(other.sandbox.env.TF_REATTACH_PROVIDERS as string)) as [
    { Pid: number },
  ];
  expect(pid).not.toBe(process.pid);
  expect(process.kill(pid, 0)).toBe(true);
  await other.sandbox.close();
  // It kills what it was told when nobody listens: that would be this process.
  expect(errorsOf(await workspace.plan())).toStrictEqual([
    expect.stringContaining("Reattachment process not found"),
  ]);
  await other.stop();
});

describe("a fault", () => {
  test("strikes only what it names, as often as it says", async () => {
    const workspace = await playground.workspace(
      "main",
      `${VPC()}${CLUSTER}resource "digitalocean_domain" "it" {\n  name = "example.com"\n}\n`,
    );
    playground.faults(
      { provider: "digitalocean", operation: "create", name: "example.com", fault: "500", times: 2 },
      { provider: "github", fault: "500", times: 9 },
    );
    const created = async () => errorsOf(await workspace.apply()).length;
    expect([await created(), await created(), await created()]).toStrictEqual([1, 1, 0]);
    expect(playground.read("faults.json").map(({ times }: { times: number }) => times)).toStrictEqual([0, 9]);
  });

  test.each([
    [
      { provider: "digitalocean", fault: "explode", times: 1 },
      "[0].fault must be one of 429, 500, timeout, reset, unanswered, crash, stall",
    ],
    [{ provider: "digitalocean", fault: "500", times: -1 }, "[0].times must be 0 or more"],
    [
      { provider: "digitalocean", fault: "500", times: 1, operation: "x" },
      "[0].operation must be one of plan, create",
    ],
    [{ provider: "digitalocean", fault: "500", times: 1, nme: "x" }, "[0].nme is unknown"],
  ])("that isn't written as it should be is refused: %j", async (entry, message) => {
    const workspace = await playground.workspace("main", VPC());
    playground.faults(entry);
    expect(errorsOf(await workspace.plan())).toStrictEqual([expect.stringContaining(message)]);
  });
});
