// Which tests run in which command. `npm test` has all that need nothing but Node, Terraform and Git and are done in three minutes
// together; what needs more tools or more time is named here, by the beginning of its path.

const ENGINE = [
  "test/commands/capacity-order",
  "test/commands/dangers",
  "test/commands/deploy",
  "test/commands/existing-github",
  "test/commands/kubernetes-version",
  "test/commands/missing-in-cloud",
  "test/commands/plain-cdktf",
  "test/commands/real-checkout",
  "test/commands/sealing",
  "test/commands/second-checkout",
  "test/commands/secrets",
  "test/commands/state",
  "test/commands/status",
  "test/deployment/adoption/adoption",
  "test/deployment/adoption/evidence",
  "test/deployment/adoption/unanswered",
  "test/sandbox/kubernetes",
  "test/secrets",
  "test/setup/credentials",
  // Need shellcheck, and a program that plays a terminal.
  "test/setup/shells",
  "test/setup/terminal",
  "test/setup/secrets",
  "test/setup/terminal",
  "test/state/spaces",
  "test/static-configuration/configure",
  "test/static-configuration/killed-runs",
  // Runs the steps of workflows, which are written for bash.
  "test/workflows/diff",
];

const FLUX = [
  "test/charts",
  "test/commands/preview",
  "test/commands/sandbox-words",
  "test/commands/validate",
  "test/flux-tree/fix",
  "test/flux-tree/rendered",
  "test/flux-tree/repository",
  "test/flux-tree/rules",
  "test/flux-tree/schemas",
  "test/flux-tree/systems",
  "test/flux-tree/validate",
  "test/tools/charts",
];

// Much of the time a test waits for programs that it has started: jest's own choice leaves a core idle.
const base = { ...require("../../jest.config.js"), rootDir: "../..", maxWorkers: "100%" };
const regex = (path) => `/${path}[^.]*\\.test\\.ts$`;

/** @type {(paths: string[]) => import("jest").Config} the tests whose paths begin so */
const only = (paths) => ({ ...base, testMatch: undefined, testRegex: paths.map(regex) });

module.exports = {
  engine: only(ENGINE),
  flux: only(FLUX),
  /** @type {import("jest").Config} all the others */
  fast: { ...base, testPathIgnorePatterns: ["/node_modules/", ...[...ENGINE, ...FLUX].map(regex)] },
};
