/** The grammar of names that kustomize-controller accepts in `postBuild`. */
export const VARIABLE_NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** A `${…}` of a text: `$${…}` is an escape that stays for whoever reads the object, so it is none. */
const REFERENCE = /(?<!\$)\$\{([^}]*)\}/g;

/** The names in the `${…}` of a text, right or wrong, each once. Defaults (`${name:=value}`) are cut off. */
export function variablesIn(text: string): string[] {
  const names = [...text.matchAll(REFERENCE)].map((match) => (match[1] ?? "").replace(/:[=-].*$/s, ""));
  return [...new Set(names)];
}

/** Text without YAML comments: Flux substitutes what kustomize prints, and that has none. */
export function withoutComments(text: string): string {
  return text.replace(/(^|\s)#.*$/gm, "$1");
}

/**
 * Does what `postBuild` of a Flux Kustomization does in its strict mode, the default since kustomize-controller 1.9.
 * @throws Error for a name outside the grammar and for one without a value.
 */
export function substitute(text: string, variables: Readonly<Record<string, string>>): string {
  const replaced = text.replace(REFERENCE, (_, name: string) => {
    if (!VARIABLE_NAME.test(name)) throw new Error(`\${${name}}: not a name that Flux accepts`);
    const value = variables[name];
    if (value === undefined) throw new Error(`\${${name}}: variable not set`);
    return value;
  });
  return replaced.replaceAll("$${", "${");
}

/** Ways of using the dynamic configuration that look right and can't work, in the text of a manifest. */
export function refusedForms(text: string): string[] {
  return variablesIn(text)
    .filter((name) => !VARIABLE_NAME.test(name))
    .map((name) => `\${${name}}: write \${${name.replace(/[.-]/g, "_")}}`);
}
