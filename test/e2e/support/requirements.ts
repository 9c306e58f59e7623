import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { CLUSTER_PROGRAMS, clusterProgram } from "../../../scripts/tools/cluster-program";

/** Programs that these tests run and that `npm run tools` doesn't build. */
const REQUIRED: ReadonlyArray<readonly [program: string, parameters: readonly string[], hint: string]> = [
  ["kubectl", ["version", "--client"], '"mise install" installs it'],
  ["terraform", ["version"], '"mise install" installs it'],
  ["git", ["http-backend"], "it comes with git; some systems have it in a package of its own (git-daemon)"],
];

/** Run by jest before everything else: says at once what is missing on this machine. */
export default function checkRequirements(): void {
  const missing = REQUIRED.filter(([program, parameters]) => {
    const { error, stderr } = spawnSync(program, parameters, { encoding: "utf8" });
    // `git http-backend` outside of a web server ends with an error of its own.
    return error !== undefined || stderr.includes("is not a git command");
  }).map(
    ([program, [parameter], hint]) => `  ${program}${program === "git" ? ` ${parameter}` : ""}: ${hint}`,
  );
  const unbuilt = CLUSTER_PROGRAMS.filter((name) => !existsSync(clusterProgram(name)));
  if (unbuilt.length > 0)
    missing.push(
      `  ${unbuilt.join(", ")}: not built yet; \`npm run tools -- helm sops cluster\` builds them, once`,
    );
  if (missing.length > 0)
    throw new Error(`npm run test:e2e needs more than is there:\n${missing.join("\n")}`);
}
