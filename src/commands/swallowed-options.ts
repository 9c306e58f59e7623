import type { Command } from "commander";
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
/** Commands that don't have it are meant to do nothing all the same. */
const NOTHING_MEANT = "dry-run";

/**
 * Without `--` npm keeps options for itself: `npm run deploy --sandbox` would silently mean the real clouds.
 * @param program the options of the command that the words name are looked for
 * @returns what to tell, with the command as it works; undefined when npm kept nothing
 */
export function explainSwallowed(program: Command, { script, words, env }: NpmCall): string | undefined {
  const { command, depth } = namedCommand(program, words);
  const withValue = command.options.filter(({ required, optional }) => required || optional).map(nameOf);
  const given = (option: string): string | undefined => env[`npm_config_${option.replaceAll("-", "_")}`];
  const kept = [...new Set([...command.options.map(nameOf), NOTHING_MEANT])].filter(
    (option) => given(option) !== undefined && !HARMLESS.includes(option),
  );
  if (kept.length === 0) return undefined;
  // `npm run status --sandbox mine`: npm took the option for a switch and passed its value on as a word.
  const bare = kept.filter((option) => given(option) === "true" && withValue.includes(option));
  // The first word is the script's own: npm adds the others to it.
  const passedOn = words.slice(1);
  const own = depth - 1 + command.registeredArguments.length;
  const values = passedOn.slice(own);
  // With several, nobody can tell any more which word belongs to which.
  const value = bare.length === 1 && values.length > 0 ? values.at(-1) : undefined;
  const ambiguous = bare.length > 1;
  const written = kept.map((option) => {
    if (bare.includes(option))
      return `--${option}${value === undefined ? (ambiguous ? " <name>" : "") : ` ${value}`}`;
    const text = given(option);
    return `--${option}${text && text !== "true" ? ` ${text}` : ""}`;
  });
  const staying =
    value === undefined ? (ambiguous ? passedOn.slice(0, own) : passedOn) : passedOn.slice(0, -1);
  return `npm kept ${kept.map((option) => `--${option}`).join(" and ")} for itself: write  npm run ${script} -- ${[...staying, ...written].join(" ")}`;
}

function nameOf({ long }: { readonly long?: string | null }): string {
  return (long ?? "").replace(/^--/, "");
}
