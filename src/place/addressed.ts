import { npmRunIn, sandboxAt, shownPath } from "./place";

/**
 * Commands that work in a sandbox, as a text names them; `secrets` and `state` alone only list their subcommands. A name that goes
 * on (`deploy-all`) is another one's.
 */
const COMMAND =
  /(?<![\w-])npm run (?:(secrets|state) -- ([a-z]+)|(check-config|deploy|destroy|diff|outputs|preview|restore|sandbox|stacks|status|synth|validate)(?: --)?)(?![\w:/-])/g;

/** Where a command ends in a sentence; in a word, such as the name of a file, these characters are no end. */
const END = /[\n`"',;()]|[.:!?](?=\s|$)|npm run /;

/** What names its place already: a command line for a sandbox's folder, and one of Git, which has no file of a sandbox. */
const SETTLED = /(\(cd \.sandbox\/[^)\n]*\)|(?<![\w-])git [a-z][^\n`"',;()]*)/;

/** Files and folders that every workspace has, where a word begins. */
const OWN = /(?<![\w./-])(?:flux\/(?=[a-z.])|\.secrets\/|\.sops\.yaml|\.env(?![\w.]))/g;

/**
 * A text that was written without knowing where it is read, with the sandbox in its commands and paths: what the rules for flux/ say,
 * what a declared secret says of its new value, what a script prints. Whoever knows the directory uses npmRunIn() and shownPath().
 * What names the sandbox already stays as it is.
 */
export function addressed(directory: string, text: string): string {
  if (sandboxAt(directory) === undefined) return text;
  return text
    .split(SETTLED)
    .map((part, index) => (index % 2 === 1 ? part : addressedPart(directory, part)))
    .join("");
}

function addressedPart(directory: string, text: string): string {
  return text
    .replace(
      COMMAND,
      (found: string, group: string | undefined, verb: string, command: string, at: number) => {
        if (found.includes(" --") && namesSandbox(text.slice(at + found.length))) return found;
        return group === undefined ? npmRunIn(directory, command) : npmRunIn(directory, group, verb);
      },
    )
    .replace(OWN, (path) => shownPath(directory, path));
}

/** Whether the options that follow a command have a sandbox among them. */
function namesSandbox(rest: string): boolean {
  const end = END.exec(rest)?.index ?? rest.length;
  return / --sandbox(?![\w-])/.test(rest.slice(0, end));
}
