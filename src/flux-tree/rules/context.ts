import type { Environment, Project } from "../../config";
import type { ApplicationSecret } from "../../secrets/application-secret";
import type { PlacedObject } from "../objects";
import type { RenderedKustomization } from "../render";
import type { FluxKustomization, FluxTree } from "../tree";
import type { TreeFile } from "../tree-file";
import type { Workload } from "../workloads";

/** What the rules look at: the tree of one environment, as files and as Flux would apply it. */
export interface RuleContext {
  readonly tree: FluxTree;
  readonly project: Project;
  readonly environment: Environment;
  /** Secrets that `npm run secrets` makes. */
  readonly declaredSecrets: readonly ApplicationSecret[];
  /** The files below flux/ that can be read, those of other environments too. */
  readonly files: readonly TreeFile[];
  /** Those that are no YAML. */
  readonly brokenFiles: readonly TreeFile[];
  readonly kustomizations: readonly FluxKustomization[];
  /** Whether Flux applies it in some cluster; else it is an overlay for other uses. */
  readonly hasCluster: boolean;
  /** Why the others could not be rendered, by name. */
  readonly failures: ReadonlyMap<string, string>;
  /** Those that could be rendered. */
  readonly systems: readonly RenderedKustomization[];
  /** Whether everything was rendered, so that what is missing among the objects is missing in the tree. */
  readonly complete: boolean;
  /** What Flux applies, charts of this repository included. */
  readonly objects: readonly PlacedObject[];
  /** The pods' owners among the objects. */
  readonly workloads: readonly Workload[];
  /** Releases of third-party charts, which are checked by their values. */
  readonly foreignReleases: readonly PlacedObject[];
}
