// What the parts of `npm run bench` share: running a command with its time, comparing ways in turn, and the verdicts.
import { spawnSync } from "node:child_process";

/** How many times each way is measured; medians of these are compared. */
export const RUNS = Math.max(5, Number(process.env.BENCH_RUNS ?? 5));

const verdicts = [];

/** True when no limit was missed so far. */
export const allMet = () => verdicts.every(Boolean);

/** Notes and prints whether a limit was met. */
export function verdict(met, text) {
  verdicts.push(met);
  console.log(`${met ? "ok  " : "MISS"}  ${text}`);
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];

/** Runs a command and gives its seconds and its output; ends the bench when it fails. */
export function run(command, args, options = {}) {
  const begun = process.hrtime.bigint();
  const result = spawnSync(command, args, { encoding: "utf8", maxBuffer: 2 ** 28, ...options });
  const seconds = Number(process.hrtime.bigint() - begun) / 1e9;
  const accepted = options.accepted ?? [0];
  if (result.error || !accepted.includes(result.status)) {
    console.error(
      `${command} ${args.join(" ")} ended with ${result.status ?? result.error}\n${result.stdout}\n${result.stderr}`,
    );
    process.exit(1);
  }
  return { seconds, stdout: result.stdout };
}

/**
 * Runs some ways of doing the same in turn, so that a machine that slows down slows all of them; one warm-up each.
 * A way returns `{ seconds }`, so that it can prepare something outside of the measured time.
 */
export function compare(ways, { runs = RUNS, warmUps = 1 } = {}) {
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = -warmUps; round < runs; round += 1) {
    // The order turns with the rounds, so that no way always follows the same other one.
    const names = Object.keys(ways);
    for (let index = 0; index < names.length; index += 1) {
      const name = names[(index + round + warmUps) % names.length];
      const { seconds } = ways[name]();
      if (round >= 0) times[name].push(seconds);
    }
    process.stderr.write(".");
  }
  process.stderr.write("\n");
  return Object.fromEntries(Object.entries(times).map(([name, list]) => [name, median(list)]));
}

/** Prints the ratio of two times with its limit. */
export function report(what, ours, theirs, limit) {
  verdict(
    ours / theirs <= limit,
    `${ratioOf(what, ours, theirs)}${mediansOf(ours, theirs, ` (limit ${limit})`)}`,
  );
}

/** Prints a ratio that has no limit. */
export function inform(what, ours, theirs) {
  console.log(`      ${ratioOf(what, ours, theirs)}${mediansOf(ours, theirs, "")}`);
}

const ratioOf = (what, ours, theirs) => `${what}: ${(ours / theirs).toFixed(3)}`;
const mediansOf = (ours, theirs, limit) =>
  `${limit}   medians ${ours.toFixed(2)} s against ${theirs.toFixed(2)} s`;
