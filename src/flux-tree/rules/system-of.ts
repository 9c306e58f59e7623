import type { FluxKustomization } from "../tree";
import { WHOLE_TREE } from "./rule";

/** The Flux Kustomization that a file belongs to: that of its folder, else one that applies the same application. */
export function systemOf(file: string, kustomizations: readonly FluxKustomization[]): string {
  const own = kustomizations.find((kustomization) => kustomization.file === file);
  if (own) return own.name;
  const around = kustomizations
    .filter(({ path }) => file.startsWith(`${path}/`))
    .sort((a, b) => b.path.length - a.path.length)[0];
  if (around) return around.name;
  const part = /^flux\/(?:apps\/[^/]+|infrastructure)\//.exec(file)?.[0];
  return kustomizations.find(({ path }) => part && `${path}/`.startsWith(part))?.name ?? WHOLE_TREE;
}
