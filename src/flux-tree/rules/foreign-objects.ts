import type { PlacedObject } from "../objects";
import type { RuleContext } from "./context";

/**
 * Whether an object may be one of a third-party chart: the charts are not here, and nearly all of them name their objects after
 * the release or as their values say.
 */
export function mayBeOfChart(
  { foreignReleases }: Pick<RuleContext, "foreignReleases">,
  namespace: string,
  name: string,
): boolean {
  return foreignReleases.filter(releasesInto(namespace)).some(({ object: { metadata, spec } }) => {
    const names = [metadata?.name, spec?.releaseName, spec?.chart?.spec?.chart, ...givenNames(spec?.values)];
    return names.some((one) => typeof one === "string" && one !== "" && name.includes(one));
  });
}

/** Whether a HelmRelease puts its objects into a namespace. */
export const releasesInto =
  (namespace: string | undefined) =>
  ({ object: { metadata, spec } }: PlacedObject): boolean =>
    (spec?.targetNamespace ?? metadata?.namespace) === namespace;

/** Names that the values of a chart give to its objects. */
function givenNames(value: unknown): unknown[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "fullnameOverride" || key === "nameOverride" ? [inner] : givenNames(inner),
  );
}
