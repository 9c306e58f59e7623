import { nearest } from "../../config";
import { hasVariable, type PlacedObject } from "../objects";
import type { RuleContext } from "./context";
import { OutcomeBuilder, REASON, REASONS, type Rule } from "./rule";
import { writtenAt } from "./written-at";

/** What the Kubernetes API asks of every object, whatever its kind. */
export const objectsRule: Rule = {
  id: "objects",
  title: "each object once, with a name, texts where texts are wanted, no variable left",
  check(context) {
    const { objects } = context;
    const outcome = new OutcomeBuilder("objects");
    const first = new Map<string, PlacedObject>();
    for (const placed of objects) {
      const { apiVersion, kind, metadata } = placed.object;
      const id = [apiVersion?.replace(/\/.*/, ""), kind, metadata?.namespace, metadata?.name].join("/");
      const other = first.get(id);
      outcome.check(
        placed,
        other === undefined,
        `is applied twice, also as ${other?.place}: the two would overwrite each other again and again`,
        "keep one",
      );
      if (!other) first.set(id, placed);
      outcome.check(
        placed,
        typeof apiVersion === "string" && typeof kind === "string" && typeof metadata?.name === "string",
        "has no apiVersion, kind or metadata.name",
        "add what is missing",
      );
      checkTexts(outcome, context, placed);
      checkReasons(outcome, placed);
      checkLeftovers(outcome, placed);
    }
    return outcome;
  },
};

/** Maps whose values the API wants as strings, at whatever depth: also in the values of charts. */
const MAPS_OF_STRINGS = new Set([
  "annotations",
  "labels",
  "matchLabels",
  "nodeSelector",
  "podAnnotations",
  "podLabels",
]);

function checkTexts(outcome: OutcomeBuilder, context: RuleContext, placed: PlacedObject): void {
  const wrong: string[] = [];
  const add = (text: string, keys: readonly string[]): void => {
    const place = writtenAt(context, placed, keys);
    wrong.push(place === undefined ? text : `${text} (${place})`);
  };
  const visit = (value: unknown, path: readonly string[]): void => {
    if (typeof value !== "object" || value === null) return;
    for (const [key, inner] of Object.entries(value)) {
      const here = [...path, key];
      const isData = key === "data" && placed.object.kind === "ConfigMap" && path.length === 0;
      if ((MAPS_OF_STRINGS.has(key) || isData) && isMap(inner)) {
        for (const name of notStrings(inner)) add([...here, name].join("."), [...here, name]);
      }
      if (key === "env" && Array.isArray(inner)) {
        for (const [index, entry] of inner.entries()) {
          if (!isMap(entry) || entry.value === undefined || typeof entry.value === "string") continue;
          add(`${here.join(".")} ${entry.name}`, [...here, String(index), "value"]);
        }
      }
      visit(inner, here);
    }
  };
  // A CRD describes fields of these names and has none of them.
  if (placed.object.kind !== "CustomResourceDefinition") visit(placed.object, []);
  outcome.check(
    placed,
    wrong.length === 0,
    `${wrong.join(", ")}: a number or a boolean, where the API wants a string`,
    "put it in quotes; around a variable write ${quote}${…}${quote}, since kustomize drops plain quotes",
  );
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notStrings(map: Record<string, unknown>): string[] {
  return Object.entries(map)
    .filter(([, value]) => typeof value === "number" || typeof value === "boolean")
    .map(([key]) => key);
}

function checkReasons(outcome: OutcomeBuilder, placed: PlacedObject): void {
  for (const [name, text] of Object.entries(placed.object.metadata?.annotations ?? {})) {
    if (!name.startsWith(REASON)) continue;
    const reason = name.slice(REASON.length);
    outcome.check(
      placed,
      (REASONS as readonly string[]).includes(reason),
      `has the annotation ${name}, and no rule is called ${reason}`,
      `write one of ${nearest(reason, REASONS, 1)[0] ?? REASONS.join(", ")}`,
    );
    outcome.check(
      placed,
      typeof text === "string" && text.trim().length > 0,
      `has the annotation ${name} without a reason`,
      "say why in one sentence, or obey the rule",
    );
  }
}

/** A `${infraConfig…}` that nothing substituted: in an object that is left out of the substitution, or behind `$$`. */
function checkLeftovers(outcome: OutcomeBuilder, placed: PlacedObject): void {
  const left = /\$\{(?:infraConfig[^}]*|quote)\}/.exec(JSON.stringify(placed.object))?.[0];
  outcome.check(
    placed,
    left === undefined || !hasVariable(placed.object),
    `still has ${left} when it is applied`,
    "add postBuild.substituteFrom to its Flux Kustomization, and leave the annotation kustomize.toolkit.fluxcd.io/substitute out",
  );
}
