import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { capacityReader } from "../../src/commands/room-for-pods";
import { exampleProject } from "../support/example";

test("an interrupt is why the pods were not added up, and not the tree", async () => {
  const directory = mkdtempSync(join(tmpdir(), "room-"));
  try {
    const project = exampleProject();
    const [staging] = project.environments;
    if (staging === undefined) throw new Error("the example has no environment");
    const read = (stopped?: () => string | undefined) =>
      capacityReader({ directory, project }, stopped)([{ deployed: staging, wanted: staging }]);
    const unknown = "staging: whether the pods fit the nodes was not checked: ";
    const [fault] = (await read(() => undefined)).unknown;
    expect(fault).toMatch(new RegExp(`^${unknown}.*flux`));
    expect((await read(() => "interrupted with Ctrl-C")).unknown).toEqual([
      `${unknown}interrupted with Ctrl-C`,
    ]);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
