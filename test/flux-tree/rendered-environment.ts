import { type RenderedKustomization, renderEnvironment } from "../../src/flux-tree";
import { type EnvironmentName, exampleEnvironment } from "./produced-names";
import { type Manifest, tree } from "./tree";

/** Everything that Flux applies in an environment of the example configuration, to look things up in. */
export class RenderedEnvironment {
  constructor(readonly systems: readonly RenderedKustomization[]) {}

  /** All objects, those of charts of this repository included. */
  get objects(): Manifest[] {
    return this.systems.flatMap(({ objects, charts }) => [
      ...objects,
      ...charts.flatMap((chart) => [...chart.objects]),
    ]);
  }

  /** The objects of one Flux Kustomization, those of its charts included. */
  system(name: string): RenderedEnvironment {
    return new RenderedEnvironment(this.systems.filter((system) => system.name === name));
  }

  ofKind(kind: string): Manifest[] {
    return this.objects.filter((object) => object.kind === kind);
  }

  /** @throws Error when there is none */
  find(kind: string, name: string): Manifest {
    const found = this.ofKind(kind).find((object) => object.metadata?.name === name);
    if (!found) {
      const names = this.ofKind(kind).map(({ metadata }) => metadata?.name);
      throw new Error(`no ${kind} ${name}, only ${names.join(", ") || "none"}`);
    }
    return found;
  }
}

const cache = new Map<EnvironmentName, Promise<RenderedEnvironment>>();

/** Renders an environment of the example once per test file. */
export function rendered(environment: EnvironmentName): Promise<RenderedEnvironment> {
  const known = cache.get(environment);
  if (known) return known;
  const rendering = renderEnvironment(tree, exampleEnvironment(environment)).then(
    (systems) => new RenderedEnvironment(systems),
  );
  cache.set(environment, rendering);
  return rendering;
}
