import { availableParallelism } from "node:os";
import path from "node:path";
import type { Environment, Project } from "../config";
import { VARIABLES_CONFIG_MAP } from "../flux";
import type { ApplicationSecret } from "../secrets/application-secret";
import { isForeignRelease, placedObjects } from "./objects";
import { build, type RenderedKustomization, renderKustomization } from "./render";
import { RULES, type Rule, type RuleContext } from "./rules";
import { MissingTool } from "./tools";
import {
  FLUX_FOLDER,
  type FluxKustomization,
  type FluxTree,
  fluxKustomizationsIn,
  isKustomizeFile,
  type Manifest,
} from "./tree";
import { TreeFile } from "./tree-file";
import {
  type LeftOut,
  reportOf,
  summarize,
  type TargetResult,
  type ValidationReport,
} from "./validation-report";
import { workloadsIn } from "./workloads";

export interface ValidationOptions {
  readonly project: Project;
  /** Only these environments; absent: all, and the overlays that belong to no cluster. */
  readonly environments?: readonly string[];
  /** Secrets that `npm run secrets` makes. */
  readonly declaredSecrets?: readonly ApplicationSecret[];
  readonly rules?: readonly Rule[];
  /** Told what is being done. */
  readonly progress?: (environment: string, text: string) => void;
}

/** Checks a tree against the rules. What kustomize makes of it is kept, so that several configurations cost little more. */
export class TreeValidator {
  private readonly files: readonly TreeFile[];
  private readonly builds = new Map<string, Promise<string>>();
  private readonly limit = limiter(availableParallelism());

  constructor(private readonly tree: FluxTree) {
    this.files = tree.files().map((file) => new TreeFile(tree, file));
  }

  /**
   * Checks every environment of a project.
   * @throws MissingTool for kubectl, without which nothing can be said
   */
  async validate(options: ValidationOptions): Promise<ValidationReport> {
    const targets = this.targets(options);
    const results = await Promise.all(targets.map((target) => this.validateTarget(target, options)));
    return summarize(results);
  }

  private targets({ project, environments }: ValidationOptions): Target[] {
    const wanted = project.environments.filter(({ name }) => environments?.includes(name) ?? true);
    const known = project.environments.map(({ name }) => name);
    const targets = wanted.map((environment) => {
      const others = known.filter((name) => name !== environment.name);
      const files = this.files.filter(({ file }) => !others.some((other) => belongsTo(file, other)));
      return {
        environment,
        hasCluster: true,
        files,
        kustomizations: this.kustomizationsOf(environment.name),
      };
    });
    return environments === undefined ? [...targets, ...this.overlaysWithoutCluster(project)] : targets;
  }

  private kustomizationsOf(environment: string): FluxKustomization[] {
    const folder = `${FLUX_FOLDER}/clusters/${environment}/`;
    return this.files
      .filter(({ file, problem }) => file.startsWith(folder) && problem === undefined)
      .flatMap((file) =>
        fluxKustomizationsIn(
          file.file,
          file.manifests.filter((manifest) => manifest !== undefined),
        ),
      );
  }

  /** Overlays such as fluxgate's dev, for a laptop: they have to build as well, with the values of a small environment. */
  private overlaysWithoutCluster({ environments }: Project): Target[] {
    const small = environments.find(({ production }) => !production) ?? environments[0];
    if (!small) return [];
    const referenced = new Set(this.files.flatMap((file) => this.foldersNamedBy(file)));
    const overlays = this.files.flatMap(({ file, problem, manifests }) => {
      const [, application = "", name = ""] =
        /^flux\/apps\/([^/]+)\/([^/]+)\/kustomization\.yaml$/.exec(file) ?? [];
      const folder = path.dirname(file);
      const applied = referenced.has(folder) || this.tree.exists(`${FLUX_FOLDER}/clusters/${name}`);
      if (name === "" || applied || problem !== undefined || manifests[0]?.kind !== "Kustomization")
        return [];
      return [{ application, name, path: folder }];
    });
    const names = [...new Set(overlays.map(({ name }) => name))];
    return names.map((name) => ({
      environment: { ...small, name },
      hasCluster: false,
      files: this.files.filter(({ file }) => belongsTo(file, name)),
      kustomizations: overlays
        .filter((overlay) => overlay.name === name)
        .map((overlay) => ({
          file: `${overlay.path}/kustomization.yaml`,
          name: overlay.application,
          path: overlay.path,
          manifest: manifestOf(overlay),
        })),
    }));
  }

  /** The folders that a kustomization is made of. */
  private foldersNamedBy({ file, problem }: TreeFile): string[] {
    return isKustomizeFile(file) && problem === undefined ? this.tree.referencesOf(file) : [];
  }

  private async validateTarget(target: Target, options: ValidationOptions): Promise<TargetResult> {
    const { environment, kustomizations, files, hasCluster } = target;
    const { progress = () => undefined, rules = RULES, project, declaredSecrets = [] } = options;
    progress(environment.name, `builds ${kustomizations.length} systems`);
    const rendering = await this.render(environment, kustomizations);
    const objects = placedObjects(rendering.systems);
    const context: RuleContext = {
      tree: this.tree,
      project,
      environment,
      declaredSecrets,
      files: files.filter(({ problem }) => problem === undefined),
      brokenFiles: files.filter(({ problem }) => problem !== undefined),
      kustomizations,
      failures: rendering.failures,
      systems: rendering.systems,
      complete:
        hasCluster &&
        rendering.failures.size === 0 &&
        rendering.leftOut.length === 0 &&
        kustomizations.length > 0,
      hasCluster,
      objects,
      workloads: workloadsIn(objects),
      foreignReleases: objects.filter(({ object }) => isForeignRelease(object)),
    };
    progress(environment.name, `checks ${objects.length} objects`);
    const outcomes = await Promise.all(
      rules.map(async (rule) => ({ rule, outcome: await rule.check(context) })),
    );
    return {
      report: reportOf(context, outcomes),
      outcomes,
      leftOut: rendering.leftOut,
    };
  }

  private async render(
    environment: Environment,
    kustomizations: readonly FluxKustomization[],
  ): Promise<Rendering> {
    const failures = new Map<string, string>();
    const leftOut = new Map<string, LeftOut>();
    const systems: RenderedKustomization[] = [];
    const attempt = async (kustomization: FluxKustomization, charts: boolean): Promise<void> => {
      try {
        this.refuseBroken(kustomization);
        const options = { charts, anyway: true, build: (one: FluxKustomization) => this.built(one) };
        systems.push(await renderKustomization(this.tree, environment, kustomization, options));
      } catch (error) {
        if (error instanceof MissingTool && error.tool === "helm" && charts) {
          leftOut.set("helm", { what: "charts of this repository", why: error.message });
          return attempt(kustomization, false);
        }
        if (error instanceof MissingTool) throw error;
        const { message } = error as Error;
        failures.set(kustomization.name, message.replace(`${kustomization.file}: `, ""));
      }
    };
    await Promise.all(kustomizations.map((kustomization) => attempt(kustomization, true)));
    systems.sort((a, b) => a.file.localeCompare(b.file));
    return { systems, failures, leftOut: [...leftOut.values()] };
  }

  /** Says what is wrong with a folder's files in words of its own, before kubectl does. */
  private refuseBroken({ path: folder }: FluxKustomization): void {
    const read = new Set(this.tree.filesReadBy(folder));
    const broken = this.files.find(({ file, problem }) => problem !== undefined && read.has(file));
    if (broken) throw new Error(`${broken.file} is not YAML that Kubernetes takes`);
  }

  private built(kustomization: FluxKustomization): Promise<string> {
    const known = this.builds.get(kustomization.file);
    if (known) return known;
    const building = this.limit(() => build(this.tree, kustomization));
    this.builds.set(kustomization.file, building);
    return building;
  }
}

/** Something to check: an environment, or the overlays of a name that no cluster has. */
interface Target {
  readonly environment: Environment;
  readonly hasCluster: boolean;
  readonly files: readonly TreeFile[];
  readonly kustomizations: readonly FluxKustomization[];
}

interface Rendering {
  readonly systems: readonly RenderedKustomization[];
  readonly failures: ReadonlyMap<string, string>;
  readonly leftOut: readonly LeftOut[];
}

/** Whether a file is in a folder of an environment, or of an overlay of that name. */
function belongsTo(file: string, name: string): boolean {
  return new RegExp(`^flux/(?:clusters|infrastructure|apps/[^/]+)/${name}/`).test(file);
}

/** What would apply an overlay in a cluster. */
function manifestOf({ application, path: folder }: { application: string; path: string }): Manifest {
  return {
    apiVersion: "kustomize.toolkit.fluxcd.io/v1",
    kind: "Kustomization",
    metadata: { name: application, namespace: "flux-system" },
    spec: {
      path: `./${folder}`,
      postBuild: { substituteFrom: [{ kind: "ConfigMap", name: VARIABLES_CONFIG_MAP }] },
    },
  };
}

/** Lets so many tasks run at a time. */
function limiter(most: number): <Result>(task: () => Promise<Result>) => Promise<Result> {
  let running = 0;
  const waiting: Array<() => void> = [];
  return async (task) => {
    while (running >= most) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await task();
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  };
}
