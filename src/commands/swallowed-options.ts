/** What npm gives a script: the options that it took for its own are variables, and their values stay behind as words. */
export interface NpmCall {
  /** The script, as in `npm run <script>`. */
  readonly script: string;
  /** The words that npm passed on. */
  readonly words: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Options that stand alone; every other one has a value. */
const ALONE = ["push", "markdown", "fix", "strict", "key", "force", "dry-run"];
const WITH_VALUE = ["sandbox", "environment", "stack", "backup", "system", "kind", "node-size"];
/** npm has options of these names itself: without them `rotate` would do something else than was meant. */
const OF_ROTATE = ["key", "secret", "key-name", "force", "dry-run", "confirm"];

/**
 * Without `--` npm keeps options for itself: `npm run deploy --sandbox` would silently mean the real clouds.
 * @returns what to tell, with the command as it works; undefined when npm kept nothing
 */
export function explainSwallowed({ script, words, env }: NpmCall): string | undefined {
  const given = (option: string): string | undefined => env[`npm_config_${option.replaceAll("-", "_")}`];
  const known = [
    ...WITH_VALUE,
    "push",
    "markdown",
    "fix",
    "strict",
    ...(words[0] === "rotate" ? OF_ROTATE : []),
  ];
  const kept = known.filter((option) => given(option) !== undefined);
  if (kept.length === 0) return undefined;
  // `npm run status --sandbox mine`: npm took the option for a switch and passed its value on as a word.
  const bare = kept.filter((option) => given(option) === "true" && !ALONE.includes(option));
  const own = positions(script, words);
  const values = words.slice(own);
  // With several, nobody can tell any more which word belongs to which.
  const value = bare.length === 1 && values.length > 0 ? values.at(-1) : undefined;
  const ambiguous = bare.length > 1;
  const written = kept.map((option) => {
    if (bare.includes(option))
      return `--${option}${value === undefined ? (ambiguous ? " <name>" : "") : ` ${value}`}`;
    const text = given(option);
    return `--${option}${text && text !== "true" ? ` ${text}` : ""}`;
  });
  const staying = value === undefined ? (ambiguous ? words.slice(0, own) : words) : words.slice(0, -1);
  return `npm kept ${kept.map((option) => `--${option}`).join(" and ")} for itself: write  npm run ${script} -- ${[...staying, ...written].join(" ")}`;
}

/** How many words are the command's own: a subcommand, and what that works on. */
function positions(script: string, [verb]: readonly string[]): number {
  if (script !== "secrets" && script !== "state") return 0;
  return script === "secrets" && verb === "edit" ? 2 : 1;
}
