import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { Environment, Project } from "../../../src/config";
import type { ChartWorkload } from "../../../src/flux-tree/chart-workloads";
import { isForeignRelease, nameOf, type PlacedObject, placedObjects } from "../../../src/flux-tree/objects";
import { type RenderedKustomization, renderEnvironment } from "../../../src/flux-tree/render";
import { markDifferences, resizedEnvironment } from "../../../src/flux-tree/resized-environment";
import { RULES, type RuleContext } from "../../../src/flux-tree/rules";
import { checkSchemas, knownCustomResources } from "../../../src/flux-tree/schemas";
import type { FluxTree, Manifest } from "../../../src/flux-tree/tree";
import { workloadsIn } from "../../../src/flux-tree/workloads";
import { compareWorkloads } from "./compare-workloads";
import { type ChartReference, ChartsUnreachable, Helm } from "./helm";
import { renderRelease } from "./render-release";

/** The rules that pods of charts have to obey too. */
const POD_RULES = ["resources", "images", "security", "probes", "availability", "network"];

export interface ChartCheck {
  readonly environment: string;
  readonly release: string;
  readonly chart: string;
  readonly version: string;
  readonly objects: number;
  readonly workloads: number;
  readonly problems: readonly string[];
}

export interface CheckedCharts {
  readonly tree: FluxTree;
  readonly project: Project;
  readonly table: Readonly<Record<string, readonly ChartWorkload[]>>;
  /** Told each result as it comes. */
  readonly progress?: (check: ChartCheck) => void;
}

/**
 * Downloads every third-party chart that the tree installs, renders it as helm-controller would, and checks what comes out:
 * schemas, the rules for pods, and the table of what each chart runs.
 * @throws ChartsUnreachable when a repository does not answer, MissingTool, MissingSchemas
 */
export async function checkCharts({ tree, project, table, progress }: CheckedCharts): Promise<ChartCheck[]> {
  const folder = await mkdtemp(path.join(tmpdir(), "hybrid-gitops-charts-"));
  try {
    const helm = new Helm(folder);
    const checks: ChartCheck[] = [];
    for (const environment of project.environments) {
      const systems = await renderEnvironment(tree, environment);
      const resized = await renderEnvironment(tree, resizedEnvironment(environment));
      for (const [index, system] of systems.entries()) {
        for (const release of system.objects.filter(isForeignRelease)) {
          const other = resized[index]?.objects.find((candidate) => nameOf(candidate) === nameOf(release));
          const context = { helm, folder, tree, project, environment, systems, system, table };
          const check = await checkRelease(release, other ?? release, context);
          checks.push(check);
          progress?.(check);
        }
      }
    }
    return checks;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

interface Context {
  readonly helm: Helm;
  readonly folder: string;
  readonly tree: FluxTree;
  readonly project: Project;
  readonly environment: Environment;
  readonly systems: readonly RenderedKustomization[];
  readonly system: RenderedKustomization;
  readonly table: CheckedCharts["table"];
}

async function checkRelease(release: Manifest, resized: Manifest, context: Context): Promise<ChartCheck> {
  const { environment, systems, system, table, helm, folder } = context;
  const { chart = "", version = "" } = release.spec?.chart?.spec ?? {};
  const check = { environment: environment.name, release: release.metadata?.name ?? "", chart, version };
  const failed = (problem: string): ChartCheck => ({
    ...check,
    objects: 0,
    workloads: 0,
    problems: [problem],
  });
  const reference = referenceOf(release, systems);
  if (!reference) return failed("its chart is not in a HelmRepository of the tree");
  try {
    const rendering = {
      helm,
      folder,
      chart: await helm.pull(reference),
      apiVersions: knownCustomResources(),
    };
    const objects = await renderRelease(release, { ...rendering, environment });
    const others = await renderRelease(resized, {
      ...rendering,
      environment: resizedEnvironment(environment),
    });
    const unsubstituted = objects.map((object, place) => markDifferences(object, others[place]) as Manifest);
    // As if the chart were one of this repository, for which the rules are written.
    const title = `${chart} ${version}`;
    const extended = systems.map((one) =>
      one === system
        ? { ...one, charts: [{ release: check.release, folder: title, objects, unsubstituted }] }
        : { ...one, charts: [] },
    );
    const placed = placedObjects(extended);
    const own = placed.filter((one) => one.release !== undefined);
    const workloads = workloadsIn(own);
    const schemas = await checkSchemas(objects);
    return {
      ...check,
      objects: objects.length,
      workloads: workloads.length,
      problems: [
        ...schemas.problems.map(({ object, path, message }) => `${object}: ${path}: ${message}`),
        ...(await podProblems({ ...context, systems: extended }, placed, own)),
        ...compareWorkloads(table[chart], { objects, workloads, values: release.spec.values ?? {} }).map(
          (difference) => `src/flux-tree/chart-workloads.ts, ${chart}: ${difference}`,
        ),
      ],
    };
  } catch (error) {
    const { name, message } = error as Error;
    if (error instanceof ChartsUnreachable || name === "MissingTool" || name === "MissingSchemas")
      throw error;
    return failed(message);
  }
}

/** Where a release's chart is; undefined when the tree has no such repository. */
function referenceOf(
  { spec, metadata }: Manifest,
  systems: readonly RenderedKustomization[],
): ChartReference | undefined {
  const { chart, version, sourceRef } = spec?.chart?.spec ?? {};
  if (sourceRef?.kind !== "HelmRepository") return undefined;
  const namespace = sourceRef.namespace ?? metadata?.namespace;
  const repository = systems
    .flatMap(({ objects }) => objects)
    .find(
      (object) =>
        object.kind === "HelmRepository" &&
        object.metadata?.name === sourceRef.name &&
        object.metadata?.namespace === namespace,
    );
  return repository && { repository: repository.spec.url, chart, version };
}

/** What the rules find in the pods of a chart. The tree's own objects are there for what selects those pods. */
async function podProblems(
  { tree, project, environment, systems }: Context,
  objects: readonly PlacedObject[],
  own: readonly PlacedObject[],
): Promise<string[]> {
  const context: RuleContext = {
    tree,
    project,
    environment,
    declaredSecrets: [],
    files: [],
    brokenFiles: [],
    kustomizations: systems,
    failures: new Map(),
    systems,
    complete: false,
    hasCluster: true,
    objects,
    workloads: workloadsIn(own),
    foreignReleases: [],
  };
  const places = new Set(own.map(({ place }) => place));
  const rules = RULES.filter(({ id }) => POD_RULES.includes(id));
  const outcomes = await Promise.all(rules.map((rule) => rule.check(context)));
  return outcomes.flatMap(({ findings }) =>
    findings
      .filter(({ place }) => places.has(place))
      .map(({ place, problem, fix }) => `${place}: ${problem}; ${fix}`),
  );
}
