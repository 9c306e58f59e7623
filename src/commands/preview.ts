import type { Command } from "commander";
import pc from "picocolors";
import { parse, stringify } from "yaml";
import { type Environment, nearest, type Project, parseProject } from "../config";
import { type Manifest, renderKustomization } from "../flux-tree";
import { listOf } from "../place";
import { Output } from "../terminal/output";
import { type CommonOptions, command, sandboxName } from "./options";
import { changedObjects } from "./preview-changes";
import { type PreviewedObject, previewedObjects } from "./preview-objects";
import { openPreview, type PreviewSource } from "./preview-source";

interface PreviewOptions extends Pick<CommonOptions, "sandbox" | "json"> {
  readonly environment: string;
  readonly system: string[];
  readonly kind: string[];
  readonly nodeSize?: string;
}

/** Exit code when `--node-size` would change something, as `npm run diff` has it. */
const CHANGES = 2;

export function previewCommand(): Command {
  return command(
    "preview",
    "Print the objects that Flux applies in an environment, without a cluster (exit code 0: printed, 1: error, 2: --node-size would change something)",
    ["sandbox", "json"],
  )
    .requiredOption("--environment <name>", "the environment")
    .option("--system <name>", "only what this Flux Kustomization applies (repeatable)", collect, [])
    .option("--kind <kind>", "only objects of this kind (repeatable)", collect, [])
    .option(
      "--node-size <slug>",
      "show what nodes of another size would change instead, as a unified diff: s-8vcpu-16gb",
    )
    .action(async (options: PreviewOptions) => {
      const output = new Output(options.json ?? false);
      const source = await openPreview(sandboxName(options));
      try {
        for (const note of source.notes) output.problem(note);
        const environment = environmentOf(source.project, options.environment);
        if (options.nodeSize === undefined) {
          print(ofKinds(await objectsOf(source, environment, options), options.kind), output);
        } else await printChanges({ source, environment, options, output });
      } finally {
        await source.close();
      }
    });
}

function collect(value: string, earlier: readonly string[]): string[] {
  return [...earlier, ...value.split(",")];
}

function environmentOf({ environments }: Project, name: string): Environment {
  const found = environments.find((environment) => environment.name === name);
  if (found) return found;
  const names = environments.map((environment) => environment.name);
  const [near] = nearest(name, names, 1);
  throw new Error(
    `--environment ${name}: the configuration has ${listOf(names)}${near ? `; did you mean ${near}?` : ""}`,
  );
}

/** @throws Error for a system that is not there, or one that does not render */
async function objectsOf(
  { tree }: PreviewSource,
  environment: Environment,
  { system }: Pick<PreviewOptions, "system">,
): Promise<PreviewedObject[]> {
  const all = tree.fluxKustomizations(environment.name);
  const names = all.map(({ name }) => name);
  const wanted = system.length > 0 ? known("--system", system, names) : names;
  const rendered = await Promise.all(
    all
      .filter(({ name }) => wanted.includes(name))
      .map((kustomization) => renderKustomization(tree, environment, kustomization)),
  );
  return previewedObjects(tree, rendered);
}

/** @throws Error for a kind that is not there, since nothing would be printed for it */
function ofKinds(objects: readonly PreviewedObject[], kinds: readonly string[]): PreviewedObject[] {
  if (kinds.length === 0) return [...objects];
  const names = objects.map(({ object }) => object.kind);
  const wanted = known("--kind", kinds, names);
  return objects.filter(({ object }) => wanted.includes(object.kind));
}

/** The names that are meant, whether or not they are written in the right case. */
function known(option: string, words: readonly string[], names: readonly string[]): string[] {
  const all = [...new Set(names)].sort();
  return words.map((word) => {
    const found = all.find((name) => name.toLowerCase() === word.toLowerCase());
    if (!found) throw new Error(`${option} ${word}: there is none, only ${all.join(", ")}`);
    return found;
  });
}

function print(objects: readonly PreviewedObject[], output: Output): void {
  output.result(objects);
  if (output.json) return;
  for (const object of objects) output.line(`---\n${comment(object)}\n${yamlOf(object.object).trimEnd()}`);
}

const comment = ({ system, source }: Pick<PreviewedObject, "system" | "source">): string =>
  `# ${system}: ${source}`;

const yamlOf = (object: Manifest): string =>
  stringify(object, { lineWidth: 0, aliasDuplicateObjects: false, version: "1.1" });

interface ChangesContext {
  readonly source: PreviewSource;
  readonly environment: Environment;
  readonly options: PreviewOptions;
  readonly output: Output;
}

async function printChanges({ source, environment, options, output }: ChangesContext): Promise<void> {
  const project = withNodeSize(source, environment.name, options.nodeSize ?? "");
  const resized = environmentOf(project, environment.name);
  const objects = ofKinds(await objectsOf(source, environment, options), options.kind);
  const others = ofKinds(await objectsOf(source, resized, options), options.kind);
  const from = nodesOf(environment);
  const to = nodesOf(resized);
  const changes = changedObjects(objects, others, { yamlOf, from, to });
  for (const change of changes) {
    output.line(comment(change));
    output.line(change.diff.split("\n").map(coloured).join("\n"));
  }
  output.line(`${changes.length} of ${objects.length} objects change from ${from} to ${to}.`);
  output.result({ from, to, changes });
  if (changes.length > 0) process.exitCode = CHANGES;
}

const nodesOf = ({ cluster }: Environment): string => `${cluster.node.slug} × ${cluster.nodeCount}`;

function withNodeSize({ configuration }: PreviewSource, environment: string, nodeSize: string): Project {
  const document = parse(configuration.text);
  for (const candidate of document.environments) {
    if (candidate.name === environment) candidate.cluster.nodeSize = nodeSize;
  }
  return parseProject(JSON.stringify(document), configuration.name);
}

function coloured(line: string): string {
  if (line.startsWith("+")) return pc.green(line);
  return line.startsWith("-") ? pc.red(line) : line;
}
