import { amountOf } from "../../config/amounts";
import { workloadsOfChart } from "../chart-workloads";
import { hasVariable, type PlacedObject, valueAt } from "../objects";
import { databasesIn } from "../workloads";
import { OutcomeBuilder, type Rule } from "./rule";

/** What pods ask for and may use is known, and follows the nodes unless somebody said why not. */
export const resources: Rule = {
  id: "resources",
  title: "requests and limits everywhere, from the dynamic configuration or with a reason",
  check({ workloads, objects, foreignReleases }) {
    const outcome = new OutcomeBuilder("resources");
    for (const workload of workloads) {
      for (const { name, spec, unsubstituted } of workload.containers) {
        checkResources(outcome, workload, {
          of: `container ${name}`,
          value: spec.resources,
          unsubstituted: unsubstituted?.resources,
        });
      }
    }
    for (const database of databasesIn(objects)) {
      checkResources(outcome, database, {
        of: "the database",
        value: database.object.spec?.resources,
        unsubstituted: database.unsubstituted?.spec?.resources,
      });
    }
    for (const release of foreignReleases) checkChart(outcome, release);
    return outcome;
  },
};

const LIMIT_OF_CPU = "limits.cpu";
const EXAMPLE = "resources: ${infraConfig_resourceProfiles_small}";

interface Stated {
  readonly of: string;
  readonly value: unknown;
  readonly unsubstituted: unknown;
}

const QUANTITIES = [
  ["requests", "cpu"],
  ["requests", "memory"],
  ["limits", "cpu"],
  ["limits", "memory"],
] as const;

function checkResources(
  outcome: OutcomeBuilder,
  at: PlacedObject,
  { of, value, unsubstituted }: Stated,
): void {
  const missing = QUANTITIES.filter(([part, unit]) => amountOf(valueAt(value, part))[unit] === 0).map(
    (path) => path.join("."),
  );
  // Without a limit of its CPU a container uses what others leave, which can be wanted.
  const strict = missing.filter((name) => name !== LIMIT_OF_CPU);
  const fix = `take them from a profile, such as ${EXAMPLE}`;
  if (!outcome.check(at, strict.length === 0, `${of} has no ${missing.join(", ")}`, fix)) return;
  outcome.checkUnlessReasoned(at, missing.length === 0, {
    reason: "resources",
    problem: `${of} has no ${LIMIT_OF_CPU}`,
    fix,
  });
  outcome.checkUnlessReasoned(at, isDynamic(unsubstituted), {
    reason: "resources",
    problem: `${of} has resources that don't follow the dynamic configuration`,
    fix,
  });
}

/** Whether every quantity is a variable. */
function isDynamic(value: unknown): boolean {
  if (typeof value === "string") return hasVariable(value);
  const stated = QUANTITIES.map(([part, unit]) => {
    const quantities = valueAt(value, part);
    return typeof quantities === "string" ? quantities : valueAt(quantities, unit);
  }).filter((quantity) => quantity !== undefined);
  return stated.every(hasVariable);
}

function checkChart(outcome: OutcomeBuilder, release: PlacedObject): void {
  const chart: string = release.object.spec?.chart?.spec?.chart ?? "";
  const known = workloadsOfChart(chart, release.object.spec?.values);
  const fix = `say in src/flux-tree/chart-workloads.ts which containers it has and where their resources stand`;
  if (!outcome.check(release, known !== undefined, `the chart ${chart} is unknown here`, fix)) return;
  const paths = new Map(
    (known ?? []).flatMap(({ containers }) =>
      containers.map(({ name, resources: path }) => [path, name] as const),
    ),
  );
  for (const [path, container] of paths) {
    checkResources(outcome, release, {
      of: `container ${container} (values.${path})`,
      value: valueAt(release.object.spec?.values, path),
      unsubstituted: valueAt(release.unsubstituted?.spec?.values, path),
    });
  }
}
