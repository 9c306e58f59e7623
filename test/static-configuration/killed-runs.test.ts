import { existsSync } from "node:fs";
import { join } from "node:path";
import { pendingFiles, restoreBackups } from "../../src/static-configuration";
import { deadly, inTurns, MOMENTS, type Moment } from "./support/deadly-files";
import { makeProject, removeProjects, snapshot, write } from "./support/project-tree";
import { configure, configureWell, table } from "./support/run-configure";
import { removeToolsets } from "./support/toolsets";

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

/** Every point at every moment with FAULTS=all; otherwise a sample with one moment each. */
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

describe("a run killed at any of its steps", () => {
  test("is finished by the next run, and restore brings the originals back", async () => {
    const undisturbed = makeProject(FILES);
    const originals = snapshot(undisturbed);
    const counting = deadly(0, "before");
    await configureWell(undisturbed, TABLE, counting.options);
    const expected = snapshot(undisturbed);
    const calls = counting.calls();
    expect(calls).toBeGreaterThan(20);

    const points = faults(calls, 2);
    let killed = 0;
    await inTurns(points, 4, async ({ point, moment }) => {
      const directory = makeProject(FILES);
      const fatal = deadly(point, moment);
      await configure(directory, TABLE, fatal.options);
      if (fatal.struck() !== "") killed++;
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
      const output = await configureWell(directory, TABLE);
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
    const counting = deadly(0, "before");
    await configureWell(probe, TABLE, counting.options);
    const points = faults(counting.calls(), 4);
    await inTurns(points, 4, async ({ point, moment }) => {
      const directory = makeProject(FILES);
      await configure(directory, TABLE, deadly(point, moment).options);
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
  const counting = deadly(0, "before");
  await configureWell(undisturbed, LATER, counting.options);
  const expected = snapshot(undisturbed);
  expect(expected["flux/a.yaml"]).toBe("eu.acme.io prod # mine\n");
  expect(expected["flux/b/b.yaml"]).toBe("my-cluster eu.acme.io");
  const points = faults(counting.calls(), 3);
  await inTurns(points, 4, async ({ point, moment }) => {
    const directory = await start();
    await configure(directory, LATER, deadly(point, moment).options);
    await configureWell(directory, LATER);
    expect([point, snapshot(directory)]).toEqual([point, expected]);
    expect(pendingFiles(directory, LATER)).toEqual([]);
  });
});

test("a change of values that was killed and never finished leaves no name behind when they change again", async () => {
  const third = table({ "example.com": "acme.net", "my-cluster": "prod", "a.example.com": "my-cluster" });
  const start = async () => {
    const directory = makeProject(FILES);
    await configureWell(directory, TABLE);
    write(directory, "flux/a.yaml", "eu.example.com prod # mine\n");
    return directory;
  };
  const counting = deadly(0, "before");
  await configureWell(await start(), LATER, counting.options);
  await inTurns(faults(counting.calls(), 3), 4, async ({ point, moment }) => {
    const directory = await start();
    await configure(directory, LATER, deadly(point, moment).options);
    await configureWell(directory, third);
    expect([point, snapshot(directory)]).toEqual([
      point,
      expect.objectContaining({
        "flux/a.yaml": "acme.net prod # mine\n",
        "flux/b/b.yaml": "my-cluster acme.net",
        "flux/b/c d.yaml": "x\r\nacme.net\r\n",
      }),
    ]);
  });
});

test("what was edited between a kill and the next run stays, and counts as edited", async () => {
  const files = { "flux/a.yaml": "example.com\n", "flux/b.yaml": "example.com\n" };
  let directory = makeProject(files);
  for (let point = 1; snapshot(directory)["flux/a.yaml"] === files["flux/a.yaml"]; point++) {
    directory = makeProject(files);
    await configure(directory, TABLE, deadly(point, "after").options);
  }
  expect(snapshot(directory)["flux/b.yaml"]).toBe("example.com\n");
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
