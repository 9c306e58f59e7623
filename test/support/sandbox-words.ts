/** A file or folder that the checkout and every sandbox has, without a folder before it. */
const OF_THE_CHECKOUT =
  /(?<![\w./-])(?:\.secrets|\.sops\.yaml|\.env(?![\w.])|(?:flux|secrets|state|cdktf\.out)\/(?=[\w.*])|infrastructure\.config\.json(?!\.example))[^\s,;:)`]*/g;

/**
 * What in the output of a command that works in a sandbox would be followed in the checkout: files without the sandbox's folder, and
 * commands without `--sandbox`.
 */
export function strayWords(output: string, sandbox: string): string[] {
  // What runs in the sandbox's folder names its files from there.
  const text = output.replaceAll(new RegExp(`\\(cd \\.sandbox/${sandbox} && [^)]*\\)`, "g"), "");
  const commands = text.match(
    /npm run (?!tools\b)[a-z-]+(?: --(?: (?!--)[^\s,;)`]+){0,2}(?: --sandbox \S+)?)?/g,
  );
  const wanted = new RegExp(` --sandbox ${sandbox}(?![\\w-])`);
  return [
    ...(text.match(OF_THE_CHECKOUT) ?? []),
    ...(commands ?? []).filter((command) => !wanted.test(command)),
  ];
}
