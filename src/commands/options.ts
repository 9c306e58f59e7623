import { Command, InvalidArgumentError, Option } from "commander";
import { nearest } from "../config";
import { DANGER_KINDS, type DangerKind } from "../deployment/dangers";
import { DEFAULT_SANDBOX } from "../workspace";

/** The options that commands share. */
export interface CommonOptions {
  readonly environment: string[];
  readonly stack: string[];
  readonly sandbox?: string | boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
  readonly allow?: DangerKind[];
}

type OptionName = "selection" | "environment" | "yes" | "json" | "sandbox" | "allow";

/** A command with some of the shared options, so that they read the same everywhere. */
export function command(name: string, description: string, options: readonly OptionName[]): Command {
  const result = new Command(name)
    .description(description)
    .showHelpAfterError(`(npm run ${name} -- --help lists what it takes)`);
  if (options.includes("selection") || options.includes("environment")) {
    result.addOption(
      new Option("--environment <name>", "only this environment (repeatable)")
        .argParser(collect)
        .default([], "all"),
    );
  }
  if (options.includes("selection")) {
    result.addOption(
      new Option("--stack <name>", "only this stack (repeatable)").argParser(collect).default([], "all"),
    );
  }
  if (options.includes("sandbox"))
    result.option(
      "--sandbox [name]",
      `work in a sandbox instead of the real clouds (default name: ${DEFAULT_SANDBOX})`,
    );
  if (options.includes("yes"))
    result.option("--yes", "approve without a question; required where this is not a terminal");
  if (options.includes("allow")) {
    result
      .addOption(
        new Option(
          "--allow <kind>",
          "let this danger through, which is refused otherwise (repeatable)",
        ).argParser(collectKinds),
      )
      .addHelpText("after", dangersHelp());
  }
  if (options.includes("json"))
    result.option("--json", "print the result as JSON on stdout, progress on stderr");
  return result;
}

/** The name of the sandbox that the options mean. */
export function sandboxName({ sandbox }: Pick<CommonOptions, "sandbox">): string | undefined {
  if (sandbox === undefined || sandbox === false) return undefined;
  return sandbox === true ? DEFAULT_SANDBOX : sandbox;
}

function collect(value: string, earlier: string[] | undefined): string[] {
  return [...(earlier ?? []), ...value.split(",")];
}

function collectKinds(value: string, earlier: DangerKind[] = []): DangerKind[] {
  const known = Object.keys(DANGER_KINDS) as DangerKind[];
  const kinds = value.split(",").map((word) => {
    const kind = known.find((candidate) => candidate === word);
    if (kind === undefined) {
      const near = nearest(word, known);
      throw new InvalidArgumentError(
        `there is no such danger, expected ${near.length > 0 ? `${near.join(" or ")} (nearest of ${known.length})` : known.join(", ")}`,
      );
    }
    return kind;
  });
  return [...earlier, ...kinds];
}

function dangersHelp(): string {
  const width = Math.max(...Object.keys(DANGER_KINDS).map(({ length }) => length));
  const lines = Object.entries(DANGER_KINDS).map(([kind, what]) => `  ${kind.padEnd(width)}  ${what}`);
  return ["", "Refused before anything is touched, each unless it is allowed:", ...lines].join("\n");
}

/** @throws InvalidArgumentError for what is no whole number of seconds */
export function seconds(text: string): number {
  if (!/^\d{1,6}$/.test(text))
    throw new InvalidArgumentError("expected a whole number of seconds, such as 900.");
  return Number(text);
}
