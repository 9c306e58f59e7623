import { CST, Lexer, parse } from "yaml";
import { npmRunIn, shownPath } from "../place";
import type { SecretFile } from "./secret-files";
import { SOPS_CONFIGURATION } from "./sops-configuration";

/** What of a Kubernetes Secret is open in Git; everything else is encrypted. */
export const OPEN_PARTS: readonly string[] = ["apiVersion", "kind", "metadata", "type", "immutable"];

/** What SOPS makes of a value or of a comment. */
const ENCRYPTED = /^ENC\[AES256_GCM,data:[^,]+,iv:[^,]+,tag:[^,]+,type:[^,\]]+\]$/;

/**
 * Where a file that SOPS has written holds plain text: the paths of such values, without the values. SOPS encrypts only what the
 * rule of .sops.yaml says, and calls a file encrypted in which it found nothing to encrypt. Empty values stay empty.
 */
export function plainPlaces(manifest: SecretFile & { readonly kind?: string }): string[] {
  return Object.entries(manifest).flatMap(([part, content]) => {
    const isSecret = part === "data" || part === "stringData";
    const isUnknown = manifest.kind === "Secret" && part !== "sops" && !OPEN_PARTS.includes(part);
    return isSecret || isUnknown ? plainLeaves(content, part) : [];
  });
}

function plainLeaves(content: unknown, path: string): string[] {
  if (content === null || content === undefined || content === "") return [];
  if (typeof content === "object")
    return Object.entries(content).flatMap(([key, inner]) => plainLeaves(inner, `${path}.${key}`));
  return typeof content === "string" && ENCRYPTED.test(content) ? [] : [path];
}

/**
 * Takes a text that SOPS made only if no value in it is in plain text.
 * @param directory the project's directory
 * @param file from there
 * @returns the text
 * @throws Error that names the places, not the values, and the rule to put right
 */
export function requireEncryptedText(directory: string, file: string, text: string): string {
  const places = plainPlaces((parse(text) ?? {}) as SecretFile);
  if (places.length > 0)
    throw new Error(
      `${shownPath(directory, file)} would hold ${places.join(", ")} in plain text, so it was not written: ${ruleToHave(directory)}, then repeat this. A file that is in plain text already keeps its old rule: ${npmRunIn(directory, "secrets", "check")} names it`,
    );
  return text;
}

/** What the rule of a secret has to say, as part of a sentence. */
export function ruleToHave(directory: string): string {
  return `put \`encrypted_regex: ^(data|stringData)$\` into its rule in ${shownPath(directory, SOPS_CONFIGURATION)}, in place of any other encrypted_… or unencrypted_…`;
}

/** The comments of a YAML text that anybody can read, each from its `#` on. SOPS encrypts those among the values only. */
export function openComments(text: string): string[] {
  const tokens = [...new Lexer().lex(text)];
  return tokens.flatMap((token, index) => {
    // What follows the mark of a scalar is its content, which may begin with # in a block.
    const isContent = index > 0 && tokens[index - 1] === CST.SCALAR;
    const comment = token.trim();
    return !isContent && comment.startsWith("#") && !ENCRYPTED.test(comment.slice(1)) ? [comment] : [];
  });
}
