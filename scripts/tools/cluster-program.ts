import { existsSync } from "node:fs";
import { rm } from "node:fs/promises";
import path from "node:path";
import { toolsDirectory, VERSIONS } from "../../src/flux-tree/tools";
import { buildWithReplacements } from "./go";
import { place } from "./place";
import { step } from "./progress";

/** What the tests on real parts run: a Kubernetes API and the Flux controllers. */
export type ClusterProgram = keyof typeof VERSIONS.cluster;

export const CLUSTER_PROGRAMS = Object.keys(VERSIONS.cluster) as ClusterProgram[];

/** Where `npm run tools -- cluster` puts a program. */
export function clusterProgram(name: ClusterProgram): string {
  return path.join(toolsDirectory(), `${name}-${VERSIONS.cluster[name].version}`, name);
}

/**
 * Builds a program in its tested version into the cache folder, if it is not there.
 * @throws MissingGo, or Error with the reason why it does not build
 */
export async function installClusterProgram(name: ClusterProgram): Promise<void> {
  const { module, package: command, version } = VERSIONS.cluster[name];
  const target = clusterProgram(name);
  if (existsSync(target)) {
    console.log(`${name} ${version}: already there`);
    return;
  }
  await rm(path.dirname(target), { recursive: true, force: true });
  // kube-apiserver reads its version from here; without it it calls itself 0.0.0.
  const [major, minor] = version.split(".");
  const stamp = `k8s.io/component-base/version`;
  const linkerFlags =
    name === "kube-apiserver"
      ? `-s -w -X ${stamp}.gitVersion=v${version} -X ${stamp}.gitMajor=${major} -X ${stamp}.gitMinor=${minor}`
      : "-s -w";
  await step(`${name} ${version}: building`, () =>
    place(path.dirname(target), (folder) =>
      buildWithReplacements({ module, version }, { command, file: path.join(folder, name), linkerFlags }),
    ),
  );
}
