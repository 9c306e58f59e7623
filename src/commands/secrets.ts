import { Command, Option } from "commander";
import { nearest } from "../config";
import { toolPath } from "../flux-tree/tools";
import { listOf, shownPath } from "../place";
import { applicationSecrets } from "../secrets/applications";
import { checkSecrets } from "../secrets/check";
import { type Creation, createSecrets } from "../secrets/create";
import { inventory, type SecretStatus } from "../secrets/inventory";
import { removeLeftovers } from "../secrets/leftovers";
import type { MissingValue } from "../secrets/secret-values";
import { Sops } from "../secrets/sops";
import { SOPS_CONFIGURATION } from "../secrets/sops-configuration";
import { Output } from "../terminal/output";
import { openWorkspace, type Workspace } from "../workspace";
import { type CommonOptions, command, sandboxName } from "./options";
import { editAction } from "./secrets-edit";
import { type RotateOptions, rotateAction } from "./secrets-rotate";
import type { SecretsAction, SecretsWork } from "./secrets-work";

type SecretsOptions = Pick<CommonOptions, "environment" | "sandbox" | "json">;

/** `npm run secrets -- create|list|check|rotate|edit`: the encrypted secrets of the applications in flux/. */
export function secretsCommand(): Command {
  const result = new Command("secrets")
    .description(
      "Create, list, check, rotate and edit the applications' secrets, which are encrypted with SOPS and committed",
    )
    .showHelpAfterError("(npm run secrets -- --help lists what it takes)");
  const subcommands: ReadonlyArray<readonly [string, string, SecretsAction]> = [
    [
      "create",
      "make the keys, and every secret that is declared and missing; nothing is overwritten",
      create,
    ],
    ["list", "list the secrets of each environment, their keys and what is missing; never a value", list],
    ["check", "check that each secret is complete and encrypted for its environment only", check],
  ];
  for (const [name, description, action] of subcommands)
    result.addCommand(
      subcommand(name, description).action((options: SecretsOptions) => inWorkspace(options, action)),
    );
  result.addCommand(
    subcommand("rotate", "make new values for generated secrets, or with --age-key a new key, in two steps")
      .option("--age-key", "a new age key: run it, deploy, run it again, deploy")
      .option("--secret <name>", "only this secret: namespace/name, or its name")
      .option("--key-name <name>", "only this key of the secrets")
      .option(
        "--force",
        "with --secret also values that a running system keeps, with --age-key without proof that the cluster has the new key",
      )
      .option(
        "--confirm <cluster...>",
        "where nobody can type it: the name of the production cluster whose values get new ones, or whose old key goes",
      )
      .addOption(new Option("--dry-run", "tell what would change, and change nothing"))
      .addOption(new Option("--check", "the same as --dry-run").implies({ dryRun: true }))
      .action((options: SecretsOptions & RotateOptions) => inWorkspace(options, rotateAction(options))),
  );
  result.addCommand(
    subcommand("edit", "edit one secret in $VISUAL or $EDITOR; it is encrypted again when you have finished")
      .argument("<secret>", "its file, namespace/name, or its name")
      .action((wanted: string, options: SecretsOptions) => inWorkspace(options, editAction(wanted))),
  );
  return result;
}

function subcommand(name: string, description: string): Command {
  return command(name, description, ["environment", "sandbox", "json"])
    .showHelpAfterError(`(npm run secrets -- ${name} --help lists what it takes)`)
    .exitOverride();
}

async function inWorkspace(options: SecretsOptions, action: SecretsAction): Promise<void> {
  const output = new Output(options.json ?? false);
  const workspace = await openWorkspace({
    command: "secrets",
    sandbox: sandboxName(options),
    online: false,
  });
  try {
    const { directory, variables, project } = workspace;
    removeLeftovers(
      directory,
      project.environments.map(({ name }) => name),
    );
    const contexts = environmentsOf(workspace, options.environment).map((environment) => ({
      directory,
      environment,
      declared: applicationSecrets,
      variables,
    }));
    process.exitCode = await action({
      workspace,
      output,
      sops: new Sops(toolPath("sops"), directory),
      contexts,
    });
  } finally {
    await workspace.close();
  }
}

function environmentsOf({ project }: Workspace, wanted: readonly string[]): string[] {
  const names = project.environments.map(({ name }) => name);
  for (const name of wanted) {
    if (names.includes(name)) continue;
    throw new Error(
      `--environment ${name}: there is no such environment, expected ${nearest(name, names).join(" or ") || names.join(", ")}`,
    );
  }
  return wanted.length > 0 ? names.filter((name) => wanted.includes(name)) : names;
}

async function create({ contexts, sops, output, workspace }: SecretsWork): Promise<number> {
  const creations: Creation[] = [];
  for (const context of contexts) {
    const creation = await createSecrets(context, sops);
    creations.push(creation);
    tellCreation(creation, output, (path) => shownPath(context.directory, path));
  }
  const made = creations.some(
    ({ madeKey, created, completed }) => madeKey !== undefined || created.length + completed.length > 0,
  );
  const problems = creations.flatMap((creation) => creation.problems);
  const closed = creations.filter(({ missingKey }) => missingKey !== undefined);
  const elsewhere =
    closed.length === 0
      ? ""
      : ` (that of ${listOf(closed.map(({ environment }) => environment))} on a machine that has the key, unless the cluster has it already)`;
  const deploy = `${workspace.npmRun("deploy")}, which brings the keys into the clusters${elsewhere}`;
  const commit = "commit .sops.yaml and flux/ (no value can be read there), then ";
  const isUsable =
    problems.length === 0 ||
    creations.some(({ created, completed }) => created.length + completed.length > 0);
  if (made && isUsable) output.line(`\nNext: ${workspace.sandbox === undefined ? commit : ""}${deploy}.`);
  else if (problems.length === 0) output.line(`\n${nothingToCreate(creations)}`);
  const keys = creations.flatMap(({ madeKey }) => madeKey ?? []);
  if (keys.length > 0 && workspace.sandbox === undefined)
    output.line(
      `Keep copies of ${listOf(keys)} in a safe place: without them, and without the cluster, nobody can open these secrets.`,
    );
  output.result({ environments: creations });
  return problems.length > 0 ? 1 : 0;
}

function nothingToCreate(creations: readonly Creation[]): string {
  const closed = creations.filter(({ missingKey }) => missingKey !== undefined);
  return closed.length === 0
    ? "Nothing to create: every secret is there."
    : `Nothing to create. Secrets that can't be opened on this machine: those of ${listOf(closed.map(({ environment }) => environment))} (see above).`;
}

function tellCreation(creation: Creation, output: Output, shown: (path: string) => string): void {
  const { environment, madeKey, missingKey, created, completed, switchedOff, problems } = creation;
  output.heading(environment);
  if (madeKey)
    output.line(
      `new key        ${shown(madeKey)} (private, 0600), its public half in ${shown(SOPS_CONFIGURATION)}`,
    );
  for (const file of created) output.line(`created        ${shown(file)}`);
  for (const { file, keys } of completed) output.line(`added          ${shown(file)}: ${keys.join(", ")}`);
  if (!madeKey && created.length + completed.length + problems.length === 0) output.line("nothing to create");
  if (missingKey !== undefined) output.problem(`missing key    ${missingKey}`);
  for (const line of switchedOffLines(switchedOff)) output.line(`left empty     ${line}`);
  for (const problem of problems) output.problem(`not created    ${problem}`);
}

/** What is switched off, with everything that would switch it on. */
function switchedOffLines(values: readonly MissingValue[]): string[] {
  return [...byEffect(values)].map(([effect, missing]) => {
    const names = missing.map(({ variables }) => variables[1]);
    return `${names.join(", ")}: without ${names.length > 1 ? "them" : "it"} ${effect}`;
  });
}

/** Missing values by what is switched off without them; what nothing goes without has an empty one. */
function byEffect(values: readonly MissingValue[]): ReadonlyMap<string, readonly MissingValue[]> {
  const result = new Map<string, MissingValue[]>();
  for (const value of values) {
    const { withoutIt = "" } = value;
    result.set(withoutIt, [...(result.get(withoutIt) ?? []), value]);
  }
  return result;
}

async function list({ contexts, output }: SecretsWork): Promise<number> {
  const environments = contexts.map((context) => ({
    environment: context.environment,
    secrets: inventory(context),
  }));
  for (const { environment, secrets } of environments) {
    output.heading(environment);
    if (secrets.length === 0) output.line("No secret is declared for what Flux applies here.");
    const width = Math.max(0, ...secrets.map(({ name, namespace }) => `${namespace}/${name}`.length));
    for (const secret of secrets)
      output.line(
        `${`${secret.namespace}/${secret.name}`.padEnd(width)}  ${stateOf(secret).padEnd(11)}  ${secret.keys.join(", ")}`,
      );
    for (const [effect, values] of byEffect(secrets.flatMap(({ missingValues }) => missingValues))) {
      output.line(`\n${effect === "" ? "Not set, and needed" : `Not set, so ${effect}`}:`);
      const widest = Math.max(...values.map(({ variables }) => variables[1].length));
      for (const { variables, what } of values) output.line(`  ${variables[1].padEnd(widest)}  ${what}`);
    }
  }
  output.result({ environments });
  return 0;
}

function stateOf({ created, missingKeys }: SecretStatus): string {
  if (!created) return "not created";
  return missingKeys.length > 0 ? `missing ${missingKeys.join(", ")}` : "created";
}

async function check({ contexts, workspace, sops, output }: SecretsWork): Promise<number> {
  const all = workspace.project.environments.map(({ name }) => name);
  const checks = [];
  for (const context of contexts) {
    const others = all.filter((name) => name !== context.environment);
    const result = await checkSecrets(context, others, sops);
    checks.push(result);
    output.heading(result.environment);
    for (const finding of result.findings) output.problem(finding);
    const what = `${result.files} encrypted ${result.files === 1 ? "file" : "files"}`;
    if (result.missingKey !== undefined) output.line(`missing key    ${result.missingKey}`);
    const how = result.opened
      ? ", opened with its key"
      : result.files === 0
        ? ""
        : ", not opened: its private key is not on this machine";
    output.line(
      `${what}${how}; ${result.findings.length === 0 ? "nothing is wrong" : `${result.findings.length} finding${result.findings.length === 1 ? "" : "s"}`}.`,
    );
  }
  output.result({ environments: checks });
  return checks.some(({ findings }) => findings.length > 0) ? 1 : 0;
}
