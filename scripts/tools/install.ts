import { existsSync } from "node:fs";
import { schemasDirectory } from "../../src/flux-tree/schemas";
import { type BuiltTool, builtTool, toolsDirectory, VERSIONS } from "../../src/flux-tree/tools";
import { CLUSTER_PROGRAMS, installClusterProgram } from "./cluster-program";
import { installTool, onPath } from "./install-tool";
import { installS3Server } from "./s3-server";
import { buildSchemas } from "./schemas/build-schemas";

const SCHEMAS = "schemas";
/** The programs of the tests on real parts: only when asked for, since they take a quarter of an hour. */
const CLUSTER = "cluster";
/** The S3 server of the tests of states in a bucket: only when asked for, since nothing else needs it. */
const S3 = "s3";

const TOOLS = Object.keys(VERSIONS.tools) as BuiltTool[];

/**
 * `npm run tools`: puts the tools and the schemas that the checks of the Flux tree need into the user's cache folder; with
 * names, only those. What is there already stays, so that it may be run at any time.
 */
export async function main(names: readonly string[]): Promise<number> {
  const usual: readonly string[] = [...TOOLS, SCHEMAS];
  const all = [...usual, CLUSTER, S3];
  const unknown = names.filter((name) => !all.includes(name));
  if (unknown.length > 0) {
    console.error(`npm run tools -- ${unknown.join(" ")}: there are only ${all.join(", ")}`);
    return 1;
  }
  const wanted = names.length > 0 ? names : usual;
  // One after the other: each build uses all cores by itself. What one lacks does not keep the others away.
  const failures: string[] = [];
  for (const name of wanted) {
    try {
      if (name === SCHEMAS) await installSchemas();
      else if (name === CLUSTER) for (const program of CLUSTER_PROGRAMS) await installClusterProgram(program);
      else if (name === S3) await installS3Server();
      else await installTool(name as BuiltTool);
    } catch (error) {
      failures.push(`${name}: ${(error as Error).message}`);
    }
  }
  for (const failure of failures) console.error(failure);
  if (failures.length > 0) return 1;
  console.log(`Everything is in ${toolsDirectory()}; to run sops yourself: ${builtTool("sops")}`);
  if (onPath("kubectl") === undefined)
    console.log('kubectl, which renders the tree, is not on PATH: "mise install" installs it.');
  return 0;
}

async function installSchemas(): Promise<void> {
  if (existsSync(schemasDirectory())) console.log("schemas: already there");
  else await buildSchemas();
}
