import { readFileSync } from "node:fs";
import path from "node:path";
import { parse } from "yaml";
import { CONTROLLERS, type Controller } from "./flux-controllers";

interface Patch {
  readonly target?: { readonly kind?: string; readonly name?: string };
  readonly patch?: string;
}

/**
 * The flags that a tree adds to the Flux controllers: those of the patches in clusters/<environment>/flux-system, which only
 * `flux bootstrap` applies.
 * @param directory holds flux/
 */
export function treeFlags(
  directory: string,
  environment: string,
): Readonly<Partial<Record<Controller, readonly string[]>>> {
  const file = path.join(directory, "flux/clusters", environment, "flux-system/kustomization.yaml");
  const { patches = [] } = parse(readFileSync(file, "utf8")) as { patches?: readonly Patch[] };
  const flagsOf = (controller: Controller): string[] =>
    patches
      .filter(({ target }) => new RegExp(`^(?:${target?.name})$`).test(controller))
      .flatMap(({ patch = "" }) => parse(patch) as Array<{ path: string; value: unknown }>)
      .filter(({ path: place }) => place.endsWith("/args/-"))
      .map(({ value }) => String(value));
  return Object.fromEntries(CONTROLLERS.map((controller) => [controller, flagsOf(controller)]));
}
