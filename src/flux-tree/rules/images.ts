import { PLACEHOLDER_REGISTRY } from "../../config";
import type { PlacedObject } from "../objects";
import type { PlacedText, TreeFile } from "../tree-file";
import { databasesIn } from "../workloads";
import type { RuleContext } from "./context";
import { OutcomeBuilder, type Rule } from "./rule";
import { systemOf } from "./system-of";

/** A tag that says a whole version: `1.2.3`, `v1.2.3-alpine`, `17.6-bookworm`, `2025-08-13T08-35-41Z`. */
const EXACT_TAG = /^(?:v|RELEASE\.)?\d+[.-]\d+(?:[.-]\w+)+$|^v?\d+\.\d+\.\d+/;
const DIGEST = /@sha256:[0-9a-f]{64}$/;

/** The same image everywhere and tomorrow, and somebody who tells of new ones. */
export const images: Rule = {
  id: "images",
  title: "images of an exact version or digest, kept fresh by Renovate",
  check(context) {
    const outcome = new OutcomeBuilder("images");
    const used = [
      ...context.workloads.flatMap((workload) =>
        workload.containers.map(({ name, image }) => ({ at: workload, of: `container ${name}`, image })),
      ),
      ...databasesIn(context.objects).map((at) => ({
        at,
        of: "the database",
        image: at.object.spec?.imageName,
      })),
    ];
    for (const { at, of, image } of used) {
      if (!outcome.check(at, typeof image === "string" && image !== "", `${of} names no image`, "name one"))
        continue;
      outcome.check(
        at,
        isExact(image as string),
        `${of} has the image ${image}, which is not an exact version`,
        "name a whole version such as :1.2.3, or add its digest @sha256:…",
      );
    }
    for (const release of context.foreignReleases) {
      for (const { repository, tag } of imagesIn(release.object.spec?.values)) {
        const image = `${repository}:${tag}`;
        outcome.check(
          release,
          isExact(image),
          `its values have the image ${image}, which is not an exact version`,
          "name a whole version in tag, or leave the image to the chart, whose version is exact",
        );
      }
      checkChartVersion(outcome, release);
    }
    for (const placed of context.objects) checkNamed(outcome, placed);
    for (const file of context.files) checkMarkers(outcome, context, file);
    return outcome;
  },
};

/** Kinds whose images are looked at above, that only watch images, or that describe fields. */
const WITHOUT_IMAGES =
  /^(?:Deployment|StatefulSet|DaemonSet|Job|CronJob|ImageRepository|CustomResourceDefinition)$/;

/** Images that the values of a chart or an operator's object name in one text, such as init containers in values. */
function checkNamed(outcome: OutcomeBuilder, placed: PlacedObject): void {
  const { object } = placed;
  if (WITHOUT_IMAGES.test(object.kind) || databasesIn([placed]).length > 0) return;
  for (const { path, image } of namedImages(object.spec)) {
    outcome.check(
      placed,
      isExact(image),
      `${path} is the image ${image}, which is not an exact version`,
      "name a whole version such as :1.2.3, or add its digest @sha256:…",
    );
  }
}

/** Texts under the keys image and imageName, with the tag that stands beside them. */
function namedImages(value: unknown, path: readonly string[] = []): Array<{ path: string; image: string }> {
  if (typeof value !== "object" || value === null) return [];
  const { tag } = value as Record<string, unknown>;
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = [...path, key];
    if ((key !== "image" && key !== "imageName") || typeof inner !== "string")
      return namedImages(inner, here);
    // Without a tag of its own, the chart has one.
    if (inner === "" || tag === "") return [];
    const tagged = typeof tag === "string" || typeof tag === "number";
    return [{ path: here.join("."), image: tagged ? `${inner}:${tag}` : inner }];
  });
}

const EXACT_CHART = /^v?\d+\.\d+\.\d+(?:[-+][\w.+-]+)?$/;

/** A third-party chart is the same tomorrow. */
function checkChartVersion(outcome: OutcomeBuilder, release: PlacedObject): void {
  const { chart, version, sourceRef } = release.object.spec?.chart?.spec ?? {};
  if (sourceRef?.kind !== "HelmRepository") return;
  outcome.check(
    release,
    typeof version === "string" && EXACT_CHART.test(version),
    version === undefined
      ? `takes whatever version of the chart ${chart} is the newest`
      : `takes the chart ${chart} in the version ${version}, which is not an exact one`,
    "name a whole version such as 1.2.3",
  );
}

/** Images that a chart's values name in two parts. */
function imagesIn(value: unknown): Array<{ repository: string; tag: string }> {
  if (typeof value !== "object" || value === null) return [];
  const { repository, tag } = value as Record<string, unknown>;
  const own =
    typeof repository === "string" && typeof tag === "string" && tag !== "" ? [{ repository, tag }] : [];
  return [...own, ...Object.values(value).flatMap(imagesIn)];
}

/** Whether an image is named by its digest or by a tag that says a whole version. */
export function isExact(image: string): boolean {
  if (DIGEST.test(image)) return true;
  const tag = /:([\w][\w.-]*)$/.exec(image)?.[1];
  return tag !== undefined && EXACT_TAG.test(tag);
}

/** Renovate finds images in manifests by a comment, and tells of new versions. Your own images are built in this repository. */
function checkMarkers(outcome: OutcomeBuilder, context: RuleContext, file: TreeFile): void {
  for (const text of file.texts().filter(isImage)) {
    const name = text.value.split("@")[0]?.replace(/:[\w][\w.-]*$/, "") ?? "";
    const own = [context.project.registry, PLACEHOLDER_REGISTRY].some((registry) =>
      name.startsWith(`${registry}/`),
    );
    if (own) continue;
    const marker = `# renovate: datasource=docker depName=${name}`;
    outcome.check(
      {
        system: systemOf(file.file, context.kustomizations),
        place: file.placeOf(text.range[0]),
      },
      file.lineBefore(text.range[0]).trim() === marker,
      `the image ${name} has no marker for Renovate, so it would never be updated`,
      `write the line before it: ${marker}`,
    );
  }
}

/** An image with a tag or a digest; a name alone is what a policy of Flux's image automation watches. */
function isImage({ path, value, source }: PlacedText): boolean {
  const key = path.at(-1);
  return (
    (key === "image" || key === "imageName") &&
    !source.includes("${") &&
    /^[\w./-]+(?::[\w.-]+|@sha256:)/.test(value)
  );
}
