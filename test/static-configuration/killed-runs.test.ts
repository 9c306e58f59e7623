import { existsSync } from "node:fs";
import { join } from "node:path";
import { pendingFiles, restoreBackups } from "../../src/static-configuration";
import { deadly, inTurns, MOMENTS, type Moment } from "./support/deadly-tools";
import { makeProject, removeProjects, snapshot, write } from "./support/project-tree";
import { configure, configureWell, table } from "./support/run-configure";
import { nativeTools, removeToolsets, strictTools } from "./support/toolsets";

const TABLE = table({ "example.com": "eu.example.com", "my-cluster": "prod", "a.example.com": "my-cluster" });
const LATER = table({ "example.com": "eu.acme.io", "my-cluster": "prod", "a.example.com": "my-cluster" });
const FILES = {
  "flux/a.yaml": "example.com my-cluster\n",
  "flux/b/b.yaml": "a.example.com example.com",
  "flux/b/c d.yaml": "x\r\nexample.com\r\n",
  "flux/b/none.yaml": "nothing\n",
  "flux/b/sedabc": "the user's own file\n",
  "flux/e/f/g.yml": "my-cluster",
};

afterEach(removeProjects);
afterAll(removeToolsets);

/** Every point at every moment with FAULTS=all (minutes); otherwise a sample with one moment each. */
function faults(calls: number, step: number): { point: number; moment: Moment }[] {
  const all = process.env.FAULTS === "all";
  return Array.from({ length: calls }, (_, index) => index + 1)
    .filter((point) => all || point % step === 0)
    .flatMap((point) =>
      MOMENTS.filter((_, index) => all || index === Math.floor(point / step) % 3).map((moment) => ({
        point,
        moment,
      })),
    );
}

describe.each([
  { tools: nativeTools(), step: 2 },
  { tools: strictTools(), step: 7 },
])("a run killed at any of its steps, with $tools.name", ({ tools, step }) => {
  test("is finished by the next run, and restore brings the originals back", async () => {
    const undisturbed = makeProject(FILES);
    const originals = snapshot(undisturbed);
    const counting = deadly(tools, 0, "before");
    await configureWell(undisturbed, TABLE, { tools: counting.tools });
    const expected = snapshot(undisturbed);
    const calls = counting.calls();
    expect(calls).toBeGreaterThan(20);

    const points = faults(calls, step);
    let killed = 0;
    await inTurns(points, 4, async ({ point, moment }) => {
      const directory = makeProject(FILES);
      const { status } = await configure(directory, TABLE, { tools: deadly(tools, point, moment).tools });
      if (status === null || status > 128) killed++;
      const before = snapshot(directory);
      for (const [path, original] of Object.entries(originals)) {
        // Each file is either as it was or as it was to be, never cut off.
        expect([point, moment, path, [original, expected[path]].includes(before[path])]).toEqual([
          point,
          moment,
          path,
          true,
        ]);
      }
      const changed = Object.keys(originals).filter((path) => before[path] !== originals[path]);
      if (before["flux/.backups/configured.txt"] !== expected["flux/.backups/configured.txt"]) {
        expect(pendingFiles(directory, TABLE)).toEqual(expect.arrayContaining(changed));
      }
      const output = await configureWell(directory, TABLE, { tools });
      expect([point, moment, output, snapshot(directory)]).toEqual([point, moment, output, expected]);
      expect(pendingFiles(directory, TABLE)).toEqual([]);
      restoreBackups(directory);
      expect([point, moment, snapshot(directory)]).toEqual([point, moment, originals]);
    });
    expect(killed).toBeGreaterThan(points.length * 0.9);
  });

  test("can be restored as it is", async () => {
    const probe = makeProject(FILES);
    const originals = snapshot(probe);
    const counting = deadly(tools, 0, "before");
    await configureWell(probe, TABLE, { tools: counting.tools });
    const points = faults(counting.calls(), step * 2);
    await inTurns(points, 4, async ({ point, moment }) => {
      const directory = makeProject(FILES);
      await configure(directory, TABLE, { tools: deadly(tools, point, moment).tools });
      expect([point, restoreBackups(directory).refused]).toEqual([point, []]);
      expect([point, moment, snapshot(directory)]).toEqual([point, moment, originals]);
    });
  });
});

test("a change of values killed at any of its steps is finished by the next run", async () => {
  const start = async () => {
    const directory = makeProject(FILES);
    await configureWell(directory, TABLE);
    write(directory, "flux/a.yaml", "eu.example.com prod # mine\n");
    return directory;
  };
  const undisturbed = await start();
  const counting = deadly(nativeTools(), 0, "before");
  await configureWell(undisturbed, LATER, { tools: counting.tools });
  const expected = snapshot(undisturbed);
  expect(expected["flux/a.yaml"]).toBe("eu.acme.io prod # mine\n");
  expect(expected["flux/b/b.yaml"]).toBe("my-cluster eu.acme.io");
  const points = faults(counting.calls(), 4);
  await inTurns(points, 4, async ({ point, moment }) => {
    const directory = await start();
    await configure(directory, LATER, { tools: deadly(nativeTools(), point, moment).tools });
    await configureWell(directory, LATER);
    expect([point, snapshot(directory)]).toEqual([point, expected]);
    expect(pendingFiles(directory, LATER)).toEqual([]);
  });
});

test("what was edited between a kill and the next run stays, and counts as edited", async () => {
  const directory = makeProject({ "flux/a.yaml": "example.com\n", "flux/b.yaml": "example.com\n" });
  const counting = deadly(nativeTools(), 0, "before");
  await configureWell(
    makeProject({ "flux/a.yaml": "example.com\n", "flux/b.yaml": "example.com\n" }),
    TABLE,
    {
      tools: counting.tools,
    },
  );
  for (let point = 1; point <= counting.calls(); point++) {
    await configure(directory, TABLE, { tools: deadly(nativeTools(), point, "after").tools });
    if (snapshot(directory)["flux/a.yaml"] !== "example.com\n") break;
    await configure(directory, table({ zzz: "none" }));
  }
  write(directory, "flux/a.yaml", "eu.example.com # mine\n");
  await configureWell(directory, TABLE);
  expect(snapshot(directory)).toMatchObject({
    "flux/a.yaml": "eu.example.com # mine\n",
    "flux/b.yaml": "eu.example.com\n",
  });
  expect(restoreBackups(directory).refused).toEqual(["flux/a.yaml"]);
});

test("a lock whose owner is gone is taken over, one that is held ends in a message that helps", async () => {
  const directory = makeProject({
    "flux/a.yaml": "example.com\n",
    "flux/.backups/.lock/owner": "99999999\n",
  });
  await Promise.all([1, 2, 3].map(() => configureWell(directory, TABLE)));
  expect(snapshot(directory)["flux/a.yaml"]).toBe("eu.example.com\n");
  expect(existsSync(join(directory, "flux/.backups/.lock"))).toBe(false);

  const unsigned = makeProject({ "flux/a.yaml": "example.com\n", "flux/.backups/.lock/nothing": "" });
  await configureWell(unsigned, TABLE);
  expect(snapshot(unsigned)["flux/a.yaml"]).toBe("eu.example.com\n");

  // This test's own process, which is alive, holds it.
  const held = makeProject({
    "flux/a.yaml": "example.com\n",
    "flux/.backups/.lock/owner": `${process.pid}\n`,
  });
  const { status, stderr } = await configure(held, TABLE, {
    environment: { STATIC_CONFIGURATION_LOCK_TIMEOUT: "1" },
  });
  expect(status).toBe(1);
  expect(stderr).toContain(
    `flux/.backups/.lock: another run (process ${process.pid}) has worked on flux/ for more than 1 s`,
  );
  expect(snapshot(held)["flux/a.yaml"]).toBe("example.com\n");
});
