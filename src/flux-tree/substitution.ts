/** The grammar of names that kustomize-controller accepts in `postBuild`. */
export const VARIABLE_NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** A `${…}` of a text: `$${…}` is an escape that stays for whoever reads the object, so it is none. */
const REFERENCE = /(?<!\$)\$\{([^}]*)\}/g;

/** `name`, then perhaps a default as `:=`, `:-`, `=` or `-` write it. */
const EXPRESSION = /^(?<name>.*?)(?<operator>:?[=-])(?<fallback>.*)$/s;

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
 * @throws Error for a name outside the grammar and for one without a value and a default.
 */
export function substitute(text: string, variables: Readonly<Record<string, string>>): string {
  const replaced = text.replace(REFERENCE, (_, expression: string) => {
    if (VARIABLE_NAME.test(expression)) return required(expression, variables[expression]);
    const { name = expression, operator = "", fallback } = EXPRESSION.exec(expression)?.groups ?? {};
    if (!VARIABLE_NAME.test(name)) throw new Error(`\${${expression}}: not a name that Flux accepts`);
    // With a colon an empty value counts as none.
    const value = operator.startsWith(":") ? variables[name] || undefined : variables[name];
    return required(name, value ?? fallback);
  });
  return replaced.replaceAll("$${", "${");
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`\${${name}}: variable not set`);
  return value;
}

/** Ways of using the dynamic configuration that look right and can't work, in the text of a manifest. */
export function refusedForms(text: string): string[] {
  return variablesIn(text)
    .filter((name) => !VARIABLE_NAME.test(name))
    .map((name) => `\${${name}}: write \${${name.replace(/[.-]/g, "_")}}`);
}
