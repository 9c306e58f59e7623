import { join } from "node:path";
import { toolPath } from "../flux-tree/tools";
import { applicationSecrets } from "../secrets/applications";
import { type Creation, createSecrets } from "../secrets/create";
import { foreignFilesProblem, keyProblem } from "../secrets/foreign-key";
import { inventory, isOpen, type SecretStatus, type SecretsContext } from "../secrets/inventory";
import { removeLeftovers } from "../secrets/leftovers";
import { Sops } from "../secrets/sops";
import { lockWorkspace } from "../workspace";
import type { SetupContext } from "./context";
import { isDotenvSound } from "./settings";

/** The applications' encrypted secrets: what is missing, and creating it where that is wanted. */
export async function checkSecrets(context: SetupContext): Promise<void> {
  const { project, report, directory, settings } = context;
  if (project === undefined) {
    report.finding(
      "unchecked",
      "secrets",
      "the applications' secrets are not looked at: the configuration is not valid yet",
    );
    return;
  }
  const contexts = project.environments.map(({ name: environment }) => ({
    directory,
    environment,
    declared: applicationSecrets,
    variables: settings(),
  }));
  let secrets: SecretStatus[];
  try {
    secrets = contexts.flatMap(inventory);
  } catch (error) {
    report.finding(
      "warning",
      "secrets",
      `the applications' secrets can't be listed:\n${firstLines((error as Error).message)}`,
      "npm run secrets -- list",
    );
    return;
  }
  checkAgeKeys(context);
  const closed = contexts.filter(isClosed).map(({ environment }) => environment);
  const open = secrets.filter(isOpen).length;
  const before = whatComesFirst(context);
  if (closed.length > 0)
    report.finding(
      "warning",
      "secrets",
      `secrets of ${closed.join(" and ")} are encrypted for another key: Flux can't open them, and none is created`,
      "first see to the age-key (see above); then npm run secrets -- check",
    );
  else if (open === 0) report.finding("ok", "secrets", allThere(secrets.length));
  else if (before.length > 0)
    report.finding(
      "warning",
      "secrets",
      `${open} of ${secrets.length} secrets that applications wait for are not created, and can't be yet`,
      `first ${before.join(", ")} (see above); then npm run secrets -- create (or ./setup.sh --yes)`,
    );
  else if (await wantsSecrets(context, open)) await create(context, contexts, secrets.length);
  else
    report.finding(
      "warning",
      "secrets",
      `${open} of ${secrets.length} secrets that applications wait for are not created`,
      "npm run secrets -- create (or ./setup.sh --yes)",
    );
  if (isDotenvSound(context)) reportMissingValues(context, secrets);
}

/**
 * What a secret needs before it can be made: the program, the tree, and values that are right, since they are sealed. --yes makes what
 * can be made without the tokens; a question is asked only when the answer leads to all of them.
 */
function whatComesFirst(context: SetupContext): string[] {
  const { report, options } = context;
  const isMissing = (check: string): boolean => report.isOpen(check, ["missing"]);
  return [
    ...(report.isOpen("sops") ? ["install sops"] : []),
    ...(isMissing("environment-folders") ? ["make the folders of each environment"] : []),
    ...(isDotenvSound(context) ? [] : ["mend .env"]),
    ...(options.yes
      ? []
      : ["digitalocean-token", "github-token"].filter(isMissing).map((check) => `see to the ${check}`)),
  ];
}

/** The private keys of environments whose secrets somebody has encrypted already: a clone comes without them. */
function checkAgeKeys({ project, directory, report }: SetupContext): void {
  for (const { name } of project?.environments ?? [])
    try {
      const problem = keyProblem(directory, name);
      if (problem !== undefined) report.finding("warning", "age-key", problem.message, problem.fix);
    } catch (error) {
      report.finding("warning", "age-key", firstLines((error as Error).message));
    }
}

/** Whether an environment has secrets that its key doesn't open. What is damaged is reported with the key. */
function isClosed({ directory, environment }: SecretsContext): boolean {
  try {
    return foreignFilesProblem(directory, environment) !== undefined;
  } catch {
    return false;
  }
}

const allThere = (count: number): string => `the applications' secrets are there (${count})`;

/** So many lines of a message of another part are passed on. */
const MOST_LINES = 12;
const firstLines = (text: string): string =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .slice(0, MOST_LINES)
    .join("\n");

/** Keys are made only when somebody says so, by --yes or at the terminal. */
async function wantsSecrets({ options, questions }: SetupContext, open: number): Promise<boolean> {
  if (options.check) return false;
  if (options.yes) return true;
  if (!options.ask) return false;
  return questions.agrees(
    `  Create the missing secrets (${open}, encrypted) now, and the keys where there are none? [Y/n] `,
  );
}

async function create(
  { directory, report }: SetupContext,
  contexts: readonly SecretsContext[],
  declared: number,
): Promise<void> {
  const creations: Creation[] = [];
  try {
    // As `npm run secrets` does: no other command works in the checkout meanwhile.
    const unlock = lockWorkspace(join(directory, ".lock"), "setup");
    try {
      removeLeftovers(
        directory,
        contexts.map(({ environment }) => environment),
      );
      const sops = new Sops(toolPath("sops"), directory);
      for (const context of contexts) creations.push(await createSecrets(context, sops));
    } finally {
      unlock();
    }
  } catch (error) {
    report.finding(
      "warning",
      "secrets",
      `the applications' secrets can't be created:\n${firstLines((error as Error).message)}`,
      "npm run secrets -- create",
    );
  }
  const keys = creations.flatMap(({ madeKey }) => madeKey ?? []);
  const made = creations.flatMap(({ created, completed }) => [...created, ...completed]).length;
  const problems = creations.flatMap((creation) => creation.problems);
  if (keys.length > 0)
    report.changed(
      `${keys.join(", ")}: new private keys, readable by you only (0600); keep copies in a safe place`,
    );
  if (made > 0)
    report.changed(
      `${made} encrypted secrets were made: commit them with .sops.yaml (git add .sops.yaml flux)`,
    );
  if (problems.length > 0)
    report.finding(
      "warning",
      "secrets",
      problems.map((problem) => problem.replace(/\s+/g, " ")).join("\n"),
      "then run: npm run secrets -- create",
    );
  else if (creations.length === contexts.length) report.finding("ok", "secrets", allThere(declared));
}

function reportMissingValues({ report }: SetupContext, secrets: readonly SecretStatus[]): void {
  const needed = new Set(
    secrets.flatMap(({ missingValues }) =>
      missingValues.flatMap(({ withoutIt, variables }) => (withoutIt ? [] : [variables[1]])),
    ),
  );
  if (needed.size > 0)
    report.finding(
      "warning",
      "secret-values",
      `values that only you can give are missing: ${[...needed].join(", ")}`,
      "put them into .env, then run: npm run secrets -- create (npm run secrets -- list says what they are)",
    );
}
