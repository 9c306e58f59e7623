import { spawn } from "node:child_process";
import { createInterface } from "node:readline/promises";
import { type Editor, editSecret, findSecret } from "../secrets/edit";
import { isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import type { SecretsAction } from "./secrets-work";

/** `npm run secrets -- edit <secret>`: one secret in the person's editor. */
export function editAction(wanted: string): SecretsAction {
  return async ({ contexts, sops, output, workspace }) => {
    const target = findSecret(contexts, wanted);
    const edit = await editSecret(target, personAt(output), sops);
    const { file, outcome, changed, madeAnew } = edit;
    if (outcome === "unchanged") output.line(`${file}: nothing was changed, nothing is written.`);
    else if (outcome === "discarded")
      output.problem(`${file} is as it was: what was typed could not be taken, and is thrown away.`);
    else {
      output.line(`${file}: ${changed.length > 0 ? changed.join(", ") : "comments or labels"} changed.`);
      if (madeAnew.length > 0) output.line(`Made anew of it: ${madeAnew.join(", ")}.`);
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

/**
 * Opens a file in $VISUAL or $EDITOR, which may have arguments (`code --wait`), else in vi. Its temporary files go into the folder that is
 * removed, and vim keeps none elsewhere.
 * @throws Error when the editor can't be run or fails
 */
async function openEditor(file: string, folder: string): Promise<void> {
  const editor = process.env.VISUAL || process.env.EDITOR || "vi";
  const isVim = /(?:^|\/)n?vim(?:\s|$)/.test(editor);
  const options = isVim ? `-n -i NONE -c "set noundofile nobackup nowritebackup"` : "";
  // The shell takes the editor's words apart, as git and sops do; the file is an argument of its own.
  const script = `umask 077; ${editor} ${options} "$@"`;
  const ignore = (): void => undefined;
  // Ctrl-C belongs to the editor.
  process.on("SIGINT", ignore);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      const child = spawn("/bin/sh", ["-c", script, "sh", file], {
        stdio: "inherit",
        env: { ...process.env, TMPDIR: folder },
      });
      child.once("error", reject);
      child.once("close", resolve);
    });
    if (code !== 0)
      throw new Error(
        `the editor ended with ${code ?? "a signal"}, so nothing was written: set VISUAL or EDITOR to one that is installed (now: ${editor})`,
      );
  } finally {
    process.off("SIGINT", ignore);
  }
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
