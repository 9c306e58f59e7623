import { type Argument, type Command, Option } from "commander";
import { listOf } from "../place";
import { namedCommand } from "./named-command";

/** What npm gives a script: the options that it took for its own are variables, and their values stay behind as words. */
export interface NpmCall {
  /** The script, as in `npm run <script>`. */
  readonly script: string;
  /** The words that the program has got: the command, and what npm passed on. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** They may stand in somebody's .npmrc, and a command without them asks, prints for people or refuses: nothing happens that wasn't meant. */
const HARMLESS = ["yes", "json", "force"];
/** Of these, the one whose absence a script sees from the output only. */
const UNSEEN = "json";
/** Whoever writes it wants nothing to happen, also with a command that doesn't have it. */
const NOTHING_MEANT = new Option("--dry-run");
/** npm before 11.1 completes an option of ours to the one of its own that begins so; the value stays behind as a word. */
const COMPLETED: Readonly<Record<string, string>> = { allow: "allow_same_version" };

/** An option that npm kept. */
interface Kept {
  readonly name: string;
  /** The value after a `=`; several of a repeated option. None: it was written behind a space, or there is none. */
  readonly values: readonly string[];
  readonly value: "required" | "optional" | "none";
}

/** What is to be said of options that npm kept. */
export interface Swallowed {
  readonly message: string;
  /** Whether the command may go on without them. */
  readonly harmless: boolean;
}

/**
 * Without `--` npm consumes options: `npm run deploy --sandbox` would silently mean the real clouds.
 * @param program the options of the command that the words name are looked for
 * @returns what to tell, with the command as it works, and `<name>` where nobody can tell any more which word belongs to what; undefined when
 * npm consumed nothing
 */
export function explainSwallowed(program: Command, call: NpmCall): Swallowed | undefined {
  const { command, depth } = namedCommand(program, call.words);
  const all = keptOf(command, depth, call);
  const kept = all.filter(({ name }) => !HARMLESS.includes(name));
  const perhaps = all.filter(({ name }) => HARMLESS.includes(name)).map(({ name }) => `--${name}`);
  if (kept.length === 0)
    return all.some(({ name }) => name === UNSEEN)
      ? {
          message: `npm consumed --${UNSEEN}, if you wrote it here. Run:  ${asItWorks(call, command, depth, all)}`,
          harmless: true,
        }
      : undefined;
  const names = listOf(kept.map(({ name }) => `--${name}`));
  const more = perhaps.length === 0 ? "" : ` (and ${listOf(perhaps)} behind it, if you wrote it here)`;
  return {
    message: `npm consumed ${names}. Run:  ${asItWorks(call, command, depth, kept)}${more}`,
    harmless: false,
  };
}

/** The command with the `--` that it needs. */
function asItWorks(
  { script, words }: NpmCall,
  command: Command,
  depth: number,
  kept: readonly Kept[],
): string {
  // The first word is the script's own. What npm took for words stands before what was written behind `--`.
  const dashed = words.findIndex((word) => word.startsWith("-"));
  const end = dashed < 0 ? words.length : dashed;
  const [verbs, leading, behind] = [words.slice(1, depth), words.slice(depth, end), words.slice(end)];
  const bare = kept.filter(({ value, values }) => value !== "none" && values.length === 0);
  const { registeredArguments: declared } = command;
  // A single value of a command that takes no words of its own.
  const [only] = bare.length === 1 && declared.length === 0 && leading.length === 1 ? leading : [];
  const isOwn = bare.length === 0 || leading.length <= declared.filter(({ variadic }) => !variadic).length;
  const own = isOwn && only === undefined ? leading : declared.map(shapeOf);
  const unknown = (option: Kept): string | undefined =>
    isOwn && option.value === "optional" ? undefined : "<name>";
  const options = kept.map((option) => written(option, only ?? unknown(option)));
  // What stands behind the words of another program would be that program's.
  const ordered = declared.some(({ variadic }) => variadic) ? [...options, ...own] : [...own, ...options];
  return `npm run ${script} -- ${[...verbs, ...ordered, ...behind].join(" ")}`;
}

function keptOf(command: Command, depth: number, { words, env }: NpmCall): Kept[] {
  const hasWords = words[depth] !== undefined && !words[depth].startsWith("-");
  const hasOwn = command.options.some(({ long }) => long === NOTHING_MEANT.long);
  return [...command.options, ...(hasOwn ? [] : [NOTHING_MEANT])].flatMap((option): Kept[] => {
    const name = option.name();
    const completed = hasWords ? env[`npm_config_${COMPLETED[name]}`] : undefined;
    const given = env[`npm_config_${name.replaceAll("-", "_")}`] ?? completed;
    const value = option.required ? "required" : option.optional ? "optional" : "none";
    if (given === undefined) return [];
    // `--no-push`: turned off, as it is without.
    if (given === "" && value === "none") return [];
    // npm puts an empty line between the values of an option that was repeated.
    const values = given === "true" || given === "" ? [] : given.split("\n\n");
    return [{ name, value, values: value === "none" ? [] : values }];
  });
}

/** @param value of an option whose own is unknown; undefined: it stands alone */
function written({ name, value: kind, values }: Kept, value: string | undefined): string {
  if (values.length > 0) return values.map((text) => `--${name} ${text}`).join(" ");
  return kind === "none" || value === undefined ? `--${name}` : `--${name} ${value}`;
}

/** An argument as help shows it. */
function shapeOf(argument: Argument): string {
  const name = `${argument.name()}${argument.variadic ? "..." : ""}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}
