import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { getNodeValue, type Node, type ParseError, parseTree, printParseErrorCode } from "jsonc-parser";
import { deriveProject, type IsInTree, type Project } from "./derive";
import { ConfigurationError, formatPath, type Problem } from "./problem";
import { validate } from "./validate";

/** The configuration's name in a project's directory. */
export const CONFIGURATION_FILE = "infrastructure.config.json";
/** The example that newcomers copy. */
export const EXAMPLE_FILE = "infrastructure.config.json.example";

interface LoadOptions {
  /** What messages call the file; default: its own name. */
  readonly name?: string;
  /** The directory with the flux/ that the project is for: applications that were removed from it are left out. Default: none are. */
  readonly tree?: string;
}

/**
 * Reads, validates and derives a project from its configuration file.
 * @throws ConfigurationError with every problem: a missing or unreadable file, broken JSON with line and column,
 *   whatever validate() finds.
 */
export function loadProject(file: string, { name = basename(file), tree }: LoadOptions = {}): Project {
  return parseProject(readConfiguration(file, name), name, tree === undefined ? undefined : treeOf(tree));
}

/** An application is in a tree by its folder, or by its entry in the environment's cluster. Without a tree nothing was removed from it. */
function treeOf(directory: string): IsInTree {
  const flux = join(directory, "flux");
  if (!existsSync(flux)) return () => true;
  return (environment, application) =>
    existsSync(join(flux, "apps", application)) ||
    existsSync(join(flux, "clusters", environment, `${application}.yaml`));
}

/**
 * Applications that a project's configuration has entries for and that flux/ deploys in none of its environments: their entries do
 * nothing.
 * @param tree the directory with the flux/ that the project is for
 */
export function applicationsWithoutTree({ environments }: Project, tree: string): string[] {
  const isInTree = treeOf(tree);
  const names = new Set(environments.flatMap(({ applications }) => Object.keys(applications)));
  return [...names].filter((name) => !environments.some((environment) => isInTree(environment.name, name)));
}

/** What to tell of such an application. */
export function explainWithoutTree(application: string): string {
  return `is in the configuration (applications), and flux/ has neither flux/apps/${application} nor a flux/clusters/<environment>/${application}.yaml. The entry does nothing: remove it, or bring the application back.`;
}

/** As loadProject, from the text of a configuration; `name` stands for the file in messages. */
export function parseProject(text: string, name: string = CONFIGURATION_FILE, isInTree?: IsInTree): Project {
  const { value, problems: syntax } = parseDocument(text, name);
  if (syntax.length > 0) throw new ConfigurationError(name, syntax);
  const validation = validate(value);
  if (!("configuration" in validation)) throw new ConfigurationError(name, validation.problems);
  return deriveProject(validation.configuration, isInTree);
}

function readConfiguration(file: string, name: string): string {
  try {
    return readFileSync(file, "utf8").replace(/^\uFEFF/, "");
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? String(error);
    const problem =
      code === "ENOENT"
        ? {
            problem: "the file is missing",
            expected: `a copy of ${EXAMPLE_FILE} with your values (./setup.sh makes one)`,
          }
        : { problem: `the file can't be read (${code})`, expected: "a readable file" };
    throw new ConfigurationError(name, [{ path: name, ...problem }]);
  }
}

function parseDocument(text: string, name: string): { value: unknown; problems: Problem[] } {
  const errors: ParseError[] = [];
  const tree = parseTree(text, errors, {
    disallowComments: true,
    allowTrailingComma: false,
    allowEmptyContent: false,
  });
  // One mistake often makes the parser complain several times at the same place.
  const places = new Map(errors.map((error) => [error.offset, error] as const).reverse());
  const problems = [...places.values()].reverse().map(({ error, offset }) => ({
    path: `${name}:${position(text, offset)}`,
    ...syntaxProblem(error),
  }));
  if (!tree || problems.length > 0) {
    return {
      value: undefined,
      problems:
        problems.length > 0
          ? problems
          : [{ path: `${name}:1:1`, problem: "is empty", expected: "a JSON object" }],
    };
  }
  return { value: getNodeValue(tree), problems: duplicateKeys(tree, text, name) };
}

const SYNTAX_PROBLEMS: Readonly<Record<string, Pick<Problem, "problem" | "expected">>> = {
  PropertyNameExpected: {
    problem: "broken JSON: no key here",
    expected: "a key in double quotes; the last entry has no comma behind it",
  },
  ValueExpected: {
    problem: "broken JSON: no value here",
    expected: "a value; the last entry has no comma behind it",
  },
  CommaExpected: { problem: "broken JSON: no comma here", expected: "a comma between two entries" },
  ColonExpected: { problem: "broken JSON: no colon here", expected: "a colon between key and value" },
  CloseBraceExpected: { problem: "broken JSON: an object isn't closed", expected: "}" },
  CloseBracketExpected: { problem: "broken JSON: a list isn't closed", expected: "]" },
  EndOfFileExpected: { problem: "broken JSON: more text after the end", expected: "a single object" },
  InvalidCommentToken: { problem: "broken JSON: a comment", expected: "JSON without comments" },
  UnexpectedEndOfString: { problem: "broken JSON: a string isn't closed", expected: 'a closing "' },
};

function syntaxProblem(code: ParseError["error"]): Pick<Problem, "problem" | "expected"> {
  const name = printParseErrorCode(code);
  return SYNTAX_PROBLEMS[name] ?? { problem: `broken JSON (${name})`, expected: "JSON" };
}

/** JSON takes the last of two equal keys without a word; here that would lose what a person wrote. */
function duplicateKeys(node: Node, text: string, name: string, path: PropertyKey[] = []): Problem[] {
  if (node.type === "array")
    return (node.children ?? []).flatMap((item, index) => duplicateKeys(item, text, name, [...path, index]));
  if (node.type !== "object") return [];
  const seen = new Set<string>();
  return (node.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    const word = String(key?.value);
    const again = seen.has(word)
      ? [
          {
            path: `${name}:${position(text, property.offset)}`,
            problem: `${formatPath([...path, word])} is given twice`,
            expected: "each key once",
          },
        ]
      : [];
    seen.add(word);
    // As a key of an object it would vanish without a word.
    if (word === "__proto__") {
      return [
        {
          path: `${name}:${position(text, property.offset)}`,
          problem: `${formatPath([...path, word])} can't be a name`,
          expected: "another one",
        },
      ];
    }
    return [...again, ...(value ? duplicateKeys(value, text, name, [...path, word]) : [])];
  });
}

/** `line:column`, both from 1. */
function position(text: string, offset: number): string {
  const before = text.slice(0, offset).split("\n");
  return `${before.length}:${(before.at(-1)?.length ?? 0) + 1}`;
}
