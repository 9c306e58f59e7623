import { schedule, type Task } from "../../src/terraform/schedule";

const task = (name: string, ...dependencies: string[]): Task => ({ name, dependencies });
const chain = [task("github", "cluster", "flux"), task("flux", "cluster"), task("cluster")];

async function order(tasks: readonly Task[], options = {}): Promise<string[]> {
  const done: string[] = [];
  await schedule(tasks, async ({ name }) => void done.push(name), options);
  return done;
}

test("a stack comes after what it builds on, whatever the order of the list", async () => {
  expect(await order(chain)).toEqual(["cluster", "flux", "github"]);
});

test("destruction goes the other way", async () => {
  expect(await order(chain, { reverse: true })).toEqual(["github", "flux", "cluster"]);
});

test("dependencies outside of the list count as done", async () => {
  expect(await order([task("flux", "cluster")])).toEqual(["flux"]);
});

test("independent stacks run side by side, no more than allowed at once", async () => {
  let running = 0;
  let most = 0;
  const work = async () => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setTimeout(resolve, 5));
    running -= 1;
  };
  await schedule(
    ["a", "b", "c", "d", "e"].map((name) => task(name)),
    work,
    { concurrency: 3 },
  );
  expect(most).toBe(3);
});

test("a failure stops what builds on it and nothing else", async () => {
  const outcomes = await schedule([...chain, task("other")], async ({ name }) => {
    if (name === "flux") throw new Error("boom");
    return name;
  });
  expect(outcomes.get("cluster")).toEqual({ kind: "done", result: "cluster" });
  expect(outcomes.get("flux")).toEqual({ kind: "failed", error: new Error("boom") });
  expect(outcomes.get("github")).toEqual({ kind: "skipped", because: "flux did not succeed" });
  expect(outcomes.get("other")).toEqual({ kind: "done", result: "other" });
});

test("after a stop nothing more begins, and what runs ends", async () => {
  let stop: string | undefined;
  const outcomes = await schedule(
    chain,
    async ({ name }) => {
      stop = "interrupted";
      return name;
    },
    { stopped: () => stop },
  );
  expect([...outcomes].map(([name, { kind }]) => [name, kind])).toEqual([
    ["cluster", "done"],
    ["github", "skipped"],
    ["flux", "skipped"],
  ]);
});

test("a circle is refused by name instead of waiting for ever", async () => {
  await expect(schedule([task("a", "b"), task("b", "a")], async () => undefined)).rejects.toThrow(
    /in a circle: a, b/,
  );
});
