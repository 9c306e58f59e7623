import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { writeWhole } from "../files";
import { npmRunIn, shownPath } from "../place";
import { readAgeKey } from "./age-key";
import type { ApplicationSecret } from "./application-secret";
import { type EditedSecret, judgeEdit, judgeEncrypted } from "./edited-secret";
import { explainMissingKey, requireOwnKey } from "./foreign-key";
import type { SecretsContext } from "./inventory";
import { withPlainTextFolder } from "./plain-text-folder";
import { explainChange } from "./rotate-values";
import { allSecretFiles, readSecretFile, type SecretFile, secretFile } from "./secret-files";
import type { Sops } from "./sops";

/** What an edit needs of the person who makes it. */
export interface Editor {
  /** Opens a file of plain text and returns when the person has finished with it. `folder`: for the editor's own temporary files. */
  open(file: string, folder: string): Promise<void>;
  /** Tells what is wrong with the text and asks whether to open it again; false throws the changes away. */
  again(problems: readonly string[]): Promise<boolean>;
}

/** What became of an edit. */
export interface Edit {
  readonly environment: string;
  readonly file: string;
  readonly outcome: "written" | "unchanged" | "discarded";
  readonly changed: readonly string[];
  readonly madeAnew: readonly string[];
  /** By changed key, what its new value means to a system that runs, where that is known. */
  readonly effects: Readonly<Record<string, string>>;
}

/** A secret of an environment that can be edited. */
export interface EditTarget {
  readonly context: SecretsContext;
  readonly file: string;
}

/**
 * The secret that a person means: by its file, by `namespace/name`, or by its name alone.
 * @throws Error that says what there is, when nothing or more than one thing is meant
 */
export function findSecret(contexts: readonly SecretsContext[], wanted: string): EditTarget {
  const targets = contexts.flatMap((context) =>
    allSecretFiles(context.directory, context.environment).map((file) => ({ context, file })),
  );
  const path = wanted.replaceAll("\\", "/").replace(/^\.\//, "");
  const found = targets.filter(({ context, file }) => {
    const { metadata } = readSecretFile(context.directory, file) ?? {};
    return [
      file,
      shownPath(context.directory, file),
      join(context.directory, file),
      metadata?.name,
      `${metadata?.namespace}/${metadata?.name}`,
    ].includes(path);
  });
  const [target, another] = found;
  const command = (verb: string): string => npmRunIn(contexts[0]?.directory ?? "", "secrets", verb);
  if (!target)
    throw new Error(
      `there is no secret ${wanted} in ${contexts.map(({ environment }) => environment).join(" or ")}: ${command("list")} names them, and ${command("create")} makes those that are missing`,
    );
  if (another)
    throw new Error(
      `${wanted} can mean ${found.map(({ context, file }) => shownPath(context.directory, file)).join(" or ")}: name the file, or add --environment <name>`,
    );
  return target;
}

/**
 * Lets a person edit the plain text of one secret and encrypts it again. The text is in a folder that goes with this process
 * (withPlainTextFolder()), and nowhere else. An unchanged text writes nothing; a text that can't be taken is opened again, with
 * everything that was typed.
 * @throws Error when the private key isn't here or isn't that of .sops.yaml, the file can't be opened, or the editor fails; the file is then as it was
 */
export async function editSecret({ context, file }: EditTarget, editor: Editor, sops: Sops): Promise<Edit> {
  const { directory, environment, declared } = context;
  const shown = shownPath(directory, file);
  if (readAgeKey(directory, environment) === undefined)
    throw new Error(explainMissingKey(directory, environment, `${shown} can't be opened`));
  const encrypted = readFileSync(join(directory, file), "utf8");
  if (!(readSecretFile(directory, file) as SecretFile).sops)
    throw new Error(`${shown} is in plain text: ${npmRunIn(directory, "secrets", "check")} says what to do`);
  requireOwnKey(directory, environment);
  const declaration = declared.find((secret) => secretFile(secret, environment) === file);
  return withPlainTextFolder(directory, async (folder) => {
    const plain = join(folder, basename(file));
    const before = await sops.decryptText(file, environment);
    writeFileSync(plain, before, { mode: 0o600, flag: "wx" });
    for (;;) {
      await editor.open(plain, folder);
      const after = readEdited(plain, shown);
      const result = (outcome: Edit["outcome"], { changed, madeAnew }: Partial<EditedSecret> = {}): Edit => ({
        environment,
        file,
        outcome,
        changed: changed ?? [],
        madeAnew: madeAnew ?? [],
        effects: effectsOf(changed ?? [], declaration, context),
      });
      if (after === before) return result("unchanged");
      const edited = judgeEdit(before, after, declaration, context);
      const problems = [...edited.problems];
      if (problems.length === 0) {
        try {
          const recipients = requireOwnKey(directory, environment);
          const text = await sops.encryptText(file, edited.text);
          problems.push(...judgeEncrypted(text, { encrypted, after, directory, file, recipients }));
          const isSame = readFileSync(join(directory, file), "utf8") === encrypted;
          if (problems.length === 0 && isSame) {
            writeWhole(join(directory, file), text);
            return result("written", edited);
          }
          if (!isSame)
            problems.push(
              `${shown} was changed by something else in the meantime: copy your change from the editor, leave this edit, and edit the file as it is now`,
            );
        } catch (error) {
          problems.push(`${shown} was not written: ${(error as Error).message}`);
        }
      }
      if (!(await editor.again(problems))) return result("discarded");
    }
  });
}

function effectsOf(
  changed: readonly string[],
  declaration: ApplicationSecret | undefined,
  context: SecretsContext,
): Record<string, string> {
  const effects = changed.flatMap((key) => {
    const effect = declaration && explainChange(declaration, key, context);
    return effect === undefined ? [] : [[key, effect] as const];
  });
  return Object.fromEntries(effects);
}

/** @throws Error when the editor has taken the text away: then there is nothing that could be meant */
function readEdited(plain: string, shown: string): string {
  try {
    return readFileSync(plain, "utf8");
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what =
      code === "ENOENT"
        ? "the editor removed the file"
        : `the editor left a file that can't be read (${message})`;
    throw new Error(
      `${what}, so nothing was changed: ${shown} is as it was. Set VISUAL or EDITOR to a program that edits the file it is given, and waits until you have finished`,
    );
  }
}
