import { job, workflow } from "./workflows";

const before = job("deploy", "before-production");
const production = job("deploy", "production");

/** Evaluates an `if` of a job: GitHub's operators are JavaScript's. */
function holds(
  condition: string | undefined,
  needs: Readonly<Record<string, string>>,
  cancelled = false,
): boolean {
  const script = (condition ?? "").replace(/needs\.([\w.-]+)/g, (_, path: string) =>
    JSON.stringify(needs[path] ?? ""),
  );
  return Boolean(new Function("cancelled", `return ${script}`)(() => cancelled));
}

const READY = {
  "ready.outputs.deploys": "true",
  "ready.outputs.before-production": '["staging"]',
  "ready.outputs.production": '["production"]',
};

describe("deploy", () => {
  it.each([
    ["ready", READY, true],
    ["not ready", { ...READY, "ready.outputs.deploys": "false" }, false],
    ["production is all there is", { ...READY, "ready.outputs.before-production": "[]" }, false],
  ])("%s: runs before production: %s", (_, needs, expected) => {
    expect(holds(before.if, needs)).toBe(expected);
  });

  it.each([
    ["the others succeeded", { ...READY, "before-production.result": "success" }, false, true],
    ["there are no others", { ...READY, "before-production.result": "skipped" }, false, true],
    ["one of the others failed", { ...READY, "before-production.result": "failure" }, false, false],
    ["the others were cancelled", { ...READY, "before-production.result": "cancelled" }, false, false],
    ["the run was cancelled", { ...READY, "before-production.result": "success" }, true, false],
    [
      "there is no production",
      { ...READY, "before-production.result": "success", "ready.outputs.production": "[]" },
      false,
      false,
    ],
    [
      "CI is not ready",
      { ...READY, "before-production.result": "skipped", "ready.outputs.deploys": "false" },
      false,
      false,
    ],
    ["the check itself failed", { "before-production.result": "skipped" }, false, false],
  ])("deploys production when %s: %s", (_, needs, cancelled, expected) => {
    expect(production.needs).toStrictEqual(["ready", "before-production"]);
    expect(holds(production.if, needs, cancelled)).toBe(expected);
  });

  it.each([before, production])(
    "runs once per environment at a time and is never cut off",
    ({ concurrency }) => {
      expect(concurrency).toStrictEqual({
        group: "deploy-${{ matrix.environment }}",
        "cancel-in-progress": false,
      });
    },
  );

  it("has no other concurrency that could cancel it", () => {
    expect(workflow("deploy").concurrency).toBeUndefined();
  });

  it("does in production exactly what it did before", () => {
    expect(production.steps).toStrictEqual(before.steps);
    expect(production.env).toStrictEqual(before.env);
  });

  it("asks nothing, and has what installs Flux", () => {
    expect(production.steps.map(({ run }) => run)).toContain(
      'npm run deploy -- --environment "$ENVIRONMENT" --yes --if-behind skip --require-flux',
    );
    expect(production.env).toStrictEqual({ ENVIRONMENT: "${{ matrix.environment }}" });
    expect(production.steps[1]?.with?.tools).toBe("node terraform flux2");
  });
});
