import { chartOfKinds } from "../chart-kinds";
import { nameOf, type PlacedObject } from "../objects";
import { hasOwnChart } from "../render";
import type { Manifest } from "../tree";
import type { RuleContext } from "./context";
import { OutcomeBuilder, type Rule } from "./rule";

/** What waits for something waits for what is there, and not for itself. */
export const dependencies: Rule = {
  id: "dependencies",
  title: "dependencies exist and form no circle, charts have their repository",
  check(context) {
    const { kustomizations, objects, complete } = context;
    const outcome = new OutcomeBuilder("dependencies");
    checkGraph(
      outcome,
      kustomizations.map(({ name, file, manifest }) => ({ id: name, system: name, place: file, manifest })),
    );
    if (!complete) return outcome;
    checkKinds(outcome, context);
    const releases = objects.filter(({ object }) => object.kind === "HelmRelease");
    checkGraph(
      outcome,
      releases.map(({ object, system, place }) => ({
        id: object.metadata?.name ?? "",
        system,
        place,
        manifest: object,
      })),
    );
    for (const release of releases) {
      const { kind, name, namespace } = release.object.spec?.chart?.spec?.sourceRef ?? {};
      if (hasOwnChart(release.object) || kind === undefined) continue;
      const own = namespace ?? release.object.metadata?.namespace;
      outcome.check(
        release,
        objects.some(
          ({ object: { kind: other, metadata } }) =>
            other === kind && metadata?.name === name && metadata?.namespace === own,
        ),
        `takes its chart from the ${kind} ${own}/${name}, which is not in the tree`,
        "add it beside the release",
      );
    }
    return outcome;
  },
};

/** Objects of a kind that somebody's chart brings wait until it is installed. */
function checkKinds(
  outcome: OutcomeBuilder,
  { kustomizations, objects, foreignReleases }: RuleContext,
): void {
  const direct = new Map(
    kustomizations.map(({ name, manifest }): [string, string[]] => [
      name,
      (manifest.spec?.dependsOn ?? []).map((one: { name: string }) => one.name),
    ]),
  );
  for (const { name, file } of kustomizations) {
    const waitsFor = new Set<string>();
    const add = (one: string): void => {
      for (const next of direct.get(one) ?? []) {
        if (waitsFor.has(next)) continue;
        waitsFor.add(next);
        add(next);
      }
    };
    add(name);
    const needed = new Map<string, PlacedObject>();
    for (const placed of objects) {
      const chart = chartOfKinds(placed.object.apiVersion?.split("/")[0] ?? "");
      if (placed.system === name && chart !== undefined && !needed.has(chart)) needed.set(chart, placed);
    }
    for (const [chart, { object }] of needed) {
      const installers = foreignReleases
        .filter((release) => release.object.spec?.chart?.spec?.chart === chart)
        .map(({ system }) => system);
      const [installer] = installers;
      if (installer === undefined || installers.includes(name)) continue;
      outcome.check(
        { system: name, place: file },
        installers.some((one) => waitsFor.has(one)),
        `applies the ${nameOf(object)}, whose kind the chart ${chart} of ${installer} brings, and doesn't wait for that`,
        `add ${installer} to dependsOn`,
      );
    }
  }
}

interface Node {
  readonly id: string;
  readonly system: string;
  readonly place: string;
  readonly manifest: Manifest;
}

const dependenciesOf = ({ manifest }: Node): string[] =>
  (manifest.spec?.dependsOn ?? []).map(({ name }: { name: string }) => name);

function checkGraph(outcome: OutcomeBuilder, nodes: readonly Node[]): void {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  for (const node of nodes) {
    for (const name of dependenciesOf(node)) {
      outcome.check(
        node,
        byId.has(name),
        `depends on ${name}, which is not there, so that it would wait forever`,
        "correct the name, or add it",
      );
    }
    const circle = circleFrom(node, byId);
    outcome.check(
      node,
      circle === undefined,
      `waits for itself: ${circle?.join(" → ")}`,
      "take one of these out of dependsOn",
    );
  }
}

/** The way from a node back to it. */
function circleFrom(start: Node, byId: ReadonlyMap<string, Node>): string[] | undefined {
  const visited = new Set<string>();
  const walk = (node: Node, trail: readonly string[]): string[] | undefined => {
    for (const name of dependenciesOf(node)) {
      if (name === start.id) return [...trail, name];
      const next = byId.get(name);
      if (!next || visited.has(name)) continue;
      visited.add(name);
      const found = walk(next, [...trail, name]);
      if (found) return found;
    }
    return undefined;
  };
  return walk(start, [start.id]);
}
