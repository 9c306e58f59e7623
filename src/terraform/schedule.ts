import { availableParallelism } from "node:os";

/** Something that is done after what it builds on. */
export interface Task {
  readonly name: string;
  readonly dependencies: readonly string[];
}

/** How a task ended: done, failed, or never begun because something it builds on didn't succeed. */
export type Outcome<Result> =
  | { readonly kind: "done"; readonly result: Result }
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "skipped"; readonly because: string };

export interface ScheduleOptions {
  /** At most so many at once; default: one for each processor, at least 2 and at most 4. */
  readonly concurrency?: number;
  /** From back to front: what others build on comes last (destroy). */
  readonly reverse?: boolean;
  /** Asked before each task: a reason not to begin any more (Ctrl-C). */
  readonly stopped?: () => string | undefined;
}

/**
 * Runs tasks in the order of their dependencies, independent ones side by side. A failure stops what builds on the failed
 * task and nothing else. Dependencies outside of the list count as done.
 */
export async function schedule<T extends Task, Result>(
  tasks: readonly T[],
  work: (task: T) => Promise<Result>,
  options: ScheduleOptions = {},
): Promise<Map<string, Outcome<Result>>> {
  const concurrency = options.concurrency ?? Math.min(4, Math.max(2, availableParallelism()));
  const before = predecessors(tasks, options.reverse ?? false);
  const outcomes = new Map<string, Outcome<Result>>();
  const waiting = new Set(tasks);
  const running = new Map<string, Promise<void>>();

  const begin = (task: T): void => {
    waiting.delete(task);
    const run = work(task)
      .then((result): Outcome<Result> => ({ kind: "done", result }))
      .catch(
        (error: unknown): Outcome<Result> => ({
          kind: "failed",
          error: error instanceof Error ? error : new Error(String(error)),
        }),
      )
      .then((outcome) => {
        outcomes.set(task.name, outcome);
        running.delete(task.name);
      });
    running.set(task.name, run);
  };

  while (waiting.size > 0 || running.size > 0) {
    const stop = options.stopped?.();
    for (const task of [...waiting]) {
      const needed = before.get(task.name) ?? [];
      const broken = needed.find((name) => outcomes.has(name) && outcomes.get(name)?.kind !== "done");
      if (broken !== undefined || stop !== undefined) {
        waiting.delete(task);
        outcomes.set(task.name, { kind: "skipped", because: stop ?? `${broken} did not succeed` });
      } else if (running.size < concurrency && needed.every((name) => outcomes.has(name))) {
        begin(task);
      }
    }
    if (running.size > 0) await Promise.race(running.values());
    else if (
      waiting.size > 0 &&
      ![...waiting].some((task) => (before.get(task.name) ?? []).every((name) => outcomes.has(name)))
    ) {
      throw new Error(
        `these stacks depend on each other in a circle: ${[...waiting].map(({ name }) => name).join(", ")}`,
      );
    }
  }
  return outcomes;
}

/** Something that one task at a time may do. */
export class Turns {
  private last: Promise<void> = Promise.resolve();

  /** Waits for those who came before; the caller gives the turn back, once or several times. */
  async take(): Promise<() => void> {
    const before = this.last;
    let release = (): void => undefined;
    this.last = new Promise((resolve) => {
      release = resolve;
    });
    await before;
    return release;
  }
}

function predecessors(tasks: readonly Task[], reverse: boolean): Map<string, string[]> {
  const names = new Set(tasks.map(({ name }) => name));
  const before = new Map<string, string[]>(tasks.map(({ name }) => [name, []]));
  for (const { name, dependencies } of tasks) {
    for (const dependency of dependencies.filter((other) => names.has(other))) {
      before.get(reverse ? dependency : name)?.push(reverse ? name : dependency);
    }
  }
  return before;
}
