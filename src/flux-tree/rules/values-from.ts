import { existsSync, statSync } from "node:fs";
import { join } from "node:path";
import { VALUES_CONFIG_MAP } from "../../flux";
import { hasOwnChart } from "../render";
import type { Manifest } from "../tree";
import type { TreeFile } from "../tree-file";
import type { RuleContext } from "./context";
import type { OutcomeBuilder, Place } from "./rule";
import { systemOf } from "./system-of";

/** Releases take the document of the dynamic configuration at the root of their values, in the namespace where it is. */
export function checkValuesFrom(outcome: OutcomeBuilder, context: RuleContext, file: TreeFile): void {
  for (const release of file.manifests) {
    if (release?.kind !== "HelmRelease") continue;
    const system = systemOf(file.file, context.kustomizations);
    for (const source of release.spec?.valuesFrom ?? []) {
      if (source.name !== VALUES_CONFIG_MAP) continue;
      const place = { system, place: `HelmRelease ${release.metadata?.name} in ${file.file}` };
      outcome.check(
        place,
        source.targetPath === undefined,
        `valuesFrom takes ${VALUES_CONFIG_MAP} with targetPath, for which Helm wants one flat value and no document`,
        hasOwnChart(release)
          ? "leave targetPath out, the document is merged at the root (npm run validate -- --fix does it)"
          : "leave this entry out, the variables in the values get theirs from Flux (npm run validate -- --fix does it)",
      );
      outcome.check(
        place,
        release.metadata?.namespace === "flux-system",
        `valuesFrom names ${VALUES_CONFIG_MAP}, which is in flux-system: Helm looks only into the release's own namespace`,
        "set metadata.namespace to flux-system, and spec.targetNamespace to where its objects go",
      );
      checkOwnChart(outcome, context, release, place);
    }
  }
}

function checkOwnChart(
  outcome: OutcomeBuilder,
  { tree }: RuleContext,
  release: Manifest,
  place: Place,
): void {
  if (!hasOwnChart(release)) return;
  const chart = release.spec.chart.spec.chart;
  const folder = join(tree.charts, chart);
  outcome.check(
    place,
    existsSync(folder) && statSync(folder).isDirectory(),
    `its chart ${chart} is no folder of this repository`,
    "name the chart's folder from the repository's root, such as ./helm/fade",
  );
}
