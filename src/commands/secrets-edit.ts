import { spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline/promises";
import { shownPath } from "../place";
import { type Editor, editSecret, findSecret } from "../secrets/edit";
import { isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import type { SecretsAction } from "./secrets-work";

/** `npm run secrets -- edit <secret>`: one secret in the person's editor. */
export function editAction(wanted: string): SecretsAction {
  return async ({ contexts, sops, output, workspace }) => {
    if (editorOf() === undefined && !isInteractive())
      throw new Error(
        "Nothing was edited: vi needs a terminal, and this is not one. Set VISUAL or EDITOR to a program that edits the file it is given.",
      );
    const target = findSecret(contexts, wanted);
    const edit = await editSecret(target, personAt(output), sops);
    const { outcome, changed, madeAnew, effects } = edit;
    const file = shownPath(workspace.directory, edit.file);
    if (outcome === "unchanged") output.line(`${file}: nothing was changed, nothing is written.`);
    else if (outcome === "discarded")
      output.problem(`${file} is as it was: what was typed could not be taken, and is thrown away.`);
    else {
      output.line(`${file}: ${changed.length > 0 ? changed.join(", ") : "comments or labels"} changed.`);
      if (madeAnew.length > 0) output.line(`Recreated from it: ${madeAnew.join(", ")}.`);
      for (const [key, effect] of Object.entries(effects)) output.line(`${key}: ${effect}`);
      output.line(
        workspace.sandbox === undefined
          ? `Next: commit ${file} and push it; Flux applies it. Pods that read it as environment variables have to be restarted.`
          : "The sandbox has no Flux that would apply it.",
      );
    }
    output.result(edit);
    return outcome === "discarded" ? 1 : 0;
  };
}

function personAt(output: Output): Editor {
  return {
    open: openEditor,
    again: async (problems) => {
      output.problem(`\nThis can't be taken, and nothing is written yet:`);
      for (const problem of problems) output.problem(`  - ${problem}`);
      if (!isInteractive()) return false;
      return askAgain();
    },
  };
}

/** What the person has chosen as editor. */
const editorOf = (): string | undefined => process.env.VISUAL || process.env.EDITOR || undefined;

/**
 * Opens a file in $VISUAL or $EDITOR, which may have arguments (`code --wait`), else in vi. Its temporary files go into the folder that is
 * removed, and vim keeps none elsewhere.
 * @throws Error when the editor can't be run or fails
 */
async function openEditor(file: string, folder: string): Promise<void> {
  const editor = editorOf() ?? "vi";
  const isVim = /(?:^|\/)n?vim(?:\s|$)/.test(editor);
  const options = isVim ? `-n -i NONE -c "set noundofile nobackup nowritebackup"` : "";
  // The shell takes the editor's words apart, as git and sops do; the file is an argument of its own.
  const script = `umask 077; ${editor} ${options} "$@"`;
  const ignore = (): void => undefined;
  // Ctrl-C belongs to the editor.
  process.on("SIGINT", ignore);
  try {
    const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", script, "sh", file], {
        stdio: "inherit",
        env: { ...process.env, TMPDIR: folder },
      });
      child.once("error", reject);
      child.once("close", (...ending) => resolve(ending));
    });
    if (code !== 0) throw new Error(explainEnding(editor, code, signal));
  } finally {
    process.off("SIGINT", ignore);
  }
}

/** What a shell answers when a program isn't there, and when it can't be run. */
const [NOT_FOUND, NOT_RUN] = [127, 126];
/** A shell adds the number of the signal that its program was ended by. */
const SIGNALLED = 128;

function explainEnding(editor: string, code: number | null, signal: NodeJS.Signals | null): string {
  if (code === NOT_FOUND || code === NOT_RUN)
    return `the editor (${editor}) ${code === NOT_FOUND ? "was not found" : "can't be run"}, so nothing was changed: set VISUAL or EDITOR to one that is installed`;
  const number = (code ?? 0) - SIGNALLED;
  const killedBy = signal ?? Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  if (killedBy !== undefined)
    return `the editor (${editor}) was ended by ${killedBy}, so nothing was changed and what was typed is gone: edit the secret again`;
  return `the editor (${editor}) ended with code ${code}, so nothing was changed: that is how an edit is given up (:cq in vim). If you did not, it says above what is wrong; VISUAL or EDITOR names another one`;
}

/** Only the word `discard` throws away what was typed; so does the end of the input, since nobody is left to ask. */
async function askAgain(): Promise<boolean> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const ended = new Promise<string>((resolve) => terminal.once("close", () => resolve("discard")));
    const answer = await Promise.race([
      terminal.question(
        "Enter opens the editor again with all that you have typed; discard throws it away: ",
      ),
      ended,
    ]);
    return answer.trim() !== "discard";
  } finally {
    terminal.close();
  }
}
