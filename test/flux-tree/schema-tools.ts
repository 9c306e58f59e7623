import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { SCHEMA_INDEX, schemasDirectory } from "../../src/flux-tree/schemas";
import { type Tool, toolPath } from "../../src/flux-tree/tools";
import { describeRequiring } from "../support/requirements";

const VERSION: Readonly<Record<Tool, readonly string[]>> = {
  kubectl: ["version", "--client"],
  helm: ["version"],
  kubeconform: ["-v"],
  sops: ["--version", "--disable-version-check"],
  age: ["--version"],
  "age-keygen": ["--version"],
};

/** Whether a tool runs on this machine. */
export function hasTool(tool: Tool): boolean {
  return spawnSync(toolPath(tool), VERSION[tool], { encoding: "utf8" }).status === 0;
}

/** Whether `npm run tools` has built the schemas. */
export const hasSchemas = existsSync(path.join(schemasDirectory(), SCHEMA_INDEX));

/** `describe` that needs tools, and perhaps schemas. */
export function describeWithTools(
  name: string,
  { tools, schemas = false }: { readonly tools: readonly Tool[]; readonly schemas?: boolean },
  tests: () => void,
): void {
  const missing = [
    ...tools.filter((tool) => !hasTool(tool)),
    ...(schemas && !hasSchemas ? ["the schemas of Kubernetes"] : []),
  ];
  describeRequiring(missing, name, tests);
}
