import { openPreview } from "../../src/commands/preview-source";
import { CHART_WORKLOADS } from "../../src/flux-tree/chart-workloads";
import { type ChartCheck, checkCharts } from "./charts/check-charts";
import { ChartsUnreachable } from "./charts/helm";

/** Exit codes: something is wrong with a chart's values; nothing can be said, since the charts are out of reach. */
const PROBLEMS = 1;
const UNREACHABLE = 2;

/** `npm run test:charts`: checks the third-party charts with the tree's values. It needs the internet. */
export async function main(words: readonly string[]): Promise<number> {
  if (words.length > 0) {
    console.error(`npm run test:charts takes no arguments, got ${words.join(" ")}`);
    return PROBLEMS;
  }
  const source = await openPreview(undefined);
  try {
    for (const note of source.notes) console.error(note);
    const checks = await checkCharts({ ...source, table: CHART_WORKLOADS, progress: print });
    const wrong = checks.filter(({ problems }) => problems.length > 0).length;
    console.log(`\n${checks.length} releases of third-party charts, ${wrong} with problems.`);
    return wrong > 0 ? PROBLEMS : 0;
  } catch (error) {
    if (!(error instanceof ChartsUnreachable)) throw error;
    console.error(`\n${error.message}\nThis check needs the internet; npm run validate works without.`);
    return UNREACHABLE;
  } finally {
    await source.close();
  }
}

function print({ environment, release, chart, version, objects, workloads, problems }: ChartCheck): void {
  const verdict = problems.length === 0 ? "ok    " : "FAILED";
  console.log(
    `${verdict} ${environment} ${release}: ${chart} ${version}, ${objects} objects, ${workloads} with pods`,
  );
  for (const problem of problems) console.log(`         ${problem}`);
}
