import { readFileSync } from "node:fs";
import { join } from "node:path";
import { MINIMUM } from "../../src/setup";
import { allSteps, compositeActions, REPOSITORY } from "./workflows";

const read = (name: string): string => readFileSync(join(REPOSITORY, name), "utf8");
const tools = Object.fromEntries(
  [...read("mise.toml").matchAll(/^([\w-]+) = "([^"]+)"$/gm)].map(([, name = "", version = ""]) => [
    name,
    version,
  ]),
);

function isAtLeast(have = "", want = ""): boolean {
  return have.localeCompare(want, "en", { numeric: true }) >= 0;
}

describe("mise.toml", () => {
  it("pins every tool that a command runs to an exact version", () => {
    expect(Object.keys(tools).sort()).toStrictEqual([
      "age",
      "flux2",
      "go",
      "helm",
      "kubeconform",
      "kubectl",
      "node",
      "sops",
      "terraform",
    ]);
    for (const version of Object.values(tools)) expect(version).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("has versions that setup.sh accepts", () => {
    expect(isAtLeast(tools.node, MINIMUM.node)).toBe(true);
    expect(isAtLeast(tools.terraform, MINIMUM.terraform)).toBe(true);
    expect(isAtLeast(tools.flux2, MINIMUM.flux)).toBe(true);
  });

  it("has the tools that the workflows install", () => {
    const used = allSteps
      .filter(({ step }) => step.uses === "./.github/actions/setup")
      .flatMap(({ step }) => String(step.with?.tools ?? "node terraform").split(" "));
    expect(used.length).toBeGreaterThan(0);
    for (const tool of used) expect(Object.keys(tools)).toContain(tool);
    expect(JSON.stringify(compositeActions)).toContain('"install_args":"${{ inputs.tools }}"');
  });

  it("agrees with package.json and setup.sh about the oldest Node", () => {
    const { engines } = JSON.parse(read("package.json")) as { engines: { node: string } };
    expect(engines.node).toBe(`>=${MINIMUM.node}.0`);
    expect(/^MINIMUM_NODE=(.+)$/m.exec(read("setup.sh"))?.[1]).toBe(MINIMUM.node);
  });
});
