import { spawnSync } from "node:child_process";

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
  if (missing.length > 0)
    throw new Error(`npm run test:e2e needs more than is there:\n${missing.join("\n")}`);
}
