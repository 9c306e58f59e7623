import { hasOwnChart, type RenderedKustomization } from "./render";
import type { Manifest } from "./tree";

/** An object that Flux applies, with the place where people find it. */
export interface PlacedObject {
  /** The Flux Kustomization that applies it. */
  readonly system: string;
  /** `Deployment fluxgate/fluxgate-backend in flux/apps/fluxgate/production` */
  readonly place: string;
  readonly object: Manifest;
  /** The object before variables were substituted. */
  readonly unsubstituted: Manifest | undefined;
  /** The HelmRelease whose chart it comes from. */
  readonly release?: Manifest;
}

/** The objects of what was rendered, those of its charts included. */
export function placedObjects(systems: readonly RenderedKustomization[]): PlacedObject[] {
  return systems.flatMap(({ name: system, path, objects, unsubstituted, charts }) => [
    ...objects.map((object, index) => ({
      system,
      place: `${nameOf(object)} in ${path}`,
      object,
      unsubstituted: unsubstituted[index],
    })),
    ...charts.flatMap((chart) =>
      chart.objects.map((object, index) => ({
        system,
        place: `${nameOf(object)} in the chart ${chart.folder} of ${path}`,
        object,
        unsubstituted: chart.unsubstituted[index],
        release: objects.find(
          (candidate) => candidate.kind === "HelmRelease" && candidate.metadata?.name === chart.release,
        ),
      })),
    ),
  ]);
}

/** An object's kind, namespace and name, as people write them. */
export function nameOf({ kind, metadata }: Manifest): string {
  return `${kind} ${metadata?.namespace ? `${metadata.namespace}/` : ""}${metadata?.name}`;
}

/** Whether an object is a release of somebody else's chart. */
export function isForeignRelease(object: Manifest): boolean {
  return object.kind === "HelmRelease" && !hasOwnChart(object);
}

/** The value at a path of keys (`controller.resources`); undefined where there is none. Numbers count from 0 in lists. */
export function valueAt(value: unknown, path: string): unknown {
  return path
    .split(".")
    .reduce<unknown>(
      (inner, key) =>
        typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[key] : undefined,
      value,
    );
}

/** Whether any text in a value has a variable. */
export function hasVariable(value: unknown): boolean {
  if (typeof value === "string") return value.includes("${");
  return typeof value === "object" && value !== null && Object.values(value).some(hasVariable);
}
