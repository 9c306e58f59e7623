import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import type { RunOptions } from "./run-configure";
import { folderOfTools } from "./toolsets";

/** When a call ends the run: before its work, after it, or, for one that writes, with half of the bytes written. */
export const MOMENTS = ["before", "after", "between"] as const;
export type Moment = (typeof MOMENTS)[number];

export interface Blow {
  readonly signal: NodeJS.Signals;
  /** To the whole process group, as Ctrl-C and a closed terminal do, so that sed gets it too. */
  readonly group?: boolean;
}

/**
 * Options for a run whose calls that change files, and start sed, are counted, and that one of them ends. The calls are the real ones
 * (deadly-preload.cjs is loaded before the program).
 */
export function deadly(
  point: number,
  moment: Moment,
  { signal, group = false }: Blow = { signal: "SIGKILL" },
): { options: RunOptions; calls: () => number; struck: () => string } {
  const folder = folderOfTools();
  const [counter, struck] = [join(folder, "calls"), join(folder, "struck")];
  writeFileSync(counter, "");
  return {
    options: {
      ownGroup: true,
      preload: resolve(__dirname, "deadly-preload.cjs"),
      environment: { DEADLY: JSON.stringify({ point, moment, signal, group, counter, struck }) },
    },
    calls: () => readFileSync(counter, "utf8").length,
    struck: () => (existsSync(struck) ? readFileSync(struck, "utf8") : ""),
  };
}

/** Does the work for every item, some of them at the same time. */
export async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}
