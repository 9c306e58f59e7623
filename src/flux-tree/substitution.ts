import { nearest } from "../config";
import { VARIABLE_PREFIX } from "../flux";

/** The grammar of names that kustomize-controller accepts in `postBuild`. */
export const VARIABLE_NAME = /^[_a-zA-Z][_a-zA-Z0-9]*$/;

/** A `${…}` of a text: `$${…}` is an escape that stays for whoever reads the object, so it is none. */
const REFERENCE = /(?<!\$)\$\{([^}]*)\}/g;

/** `name`, then perhaps a default as `:=`, `:-`, `=` or `-` write it. */
const EXPRESSION = /^(?<name>.*?)(?<operator>:?[=-])(?<fallback>.*)$/s;

/** What brings a value of its own. A dash alone is more likely a part of the name. */
const DEFAULT = /(?::[=-]|=).*$/s;

/** A `${…}` of a text. */
export interface Reference {
  /** Without a default: what stands before `:=`, `:-` or `=`. A dash alone counts as part of the name. */
  readonly name: string;
  /** Whether Flux accepts the name. */
  readonly valid: boolean;
  readonly hasDefault: boolean;
  /** Where it begins in the text. */
  readonly offset: number;
  /** As written, with `${` and `}`. */
  readonly text: string;
}

/** Every `${…}` of a text, right or wrong, in order. */
export function referencesIn(text: string): Reference[] {
  return [...text.matchAll(REFERENCE)].map(({ 0: whole, 1: expression = "", index }) => {
    const name = expression.replace(DEFAULT, "");
    return {
      name,
      valid: VARIABLE_NAME.test(name),
      hasDefault: name !== expression,
      offset: index,
      text: whole,
    };
  });
}

/** The names in the `${…}` of a text, right or wrong, each once. Defaults (`${name:=value}`) are cut off. */
export function variablesIn(text: string): string[] {
  return [...new Set(referencesIn(text).map(({ name }) => name))];
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

/**
 * As substitute, with something in place of every mistake, so that what is right around it can still be looked at: the value
 * of the name that was probably meant, or the word `unset`.
 */
export function substituteAnyway(text: string, variables: Readonly<Record<string, string>>): string {
  const replaced = text.replace(REFERENCE, (_, expression: string) => {
    const name = expression.replace(DEFAULT, "");
    const near = (): string | undefined => variables[nearestVariable(name, Object.keys(variables)) ?? ""];
    return variables[name] ?? fallbackOf(expression) ?? variables[spelling(name)] ?? near() ?? "unset";
  });
  return replaced.replaceAll("$${", "${");
}

/** The variable that a misspelt name most likely meant. All begin alike, so that only the rest counts. */
export function nearestVariable(name: string, known: readonly string[]): string | undefined {
  if (!name.startsWith(VARIABLE_PREFIX)) return nearest(name, known, 1)[0];
  const rests = known.filter((one) => one.startsWith(VARIABLE_PREFIX)).map(rest);
  const [near] = nearest(rest(name), rests, 1);
  return near === undefined ? undefined : `${VARIABLE_PREFIX}${near}`;
}

const rest = (name: string): string => name.slice(VARIABLE_PREFIX.length);

function fallbackOf(expression: string): string | undefined {
  const name = expression.replace(DEFAULT, "");
  return name === expression ? undefined : expression.slice(name.length).replace(/^:?[=-]/, "");
}

function required(name: string, value: string | undefined): string {
  if (value === undefined) throw new Error(`\${${name}}: variable not set`);
  return value;
}

/** Ways of using the dynamic configuration that look right and can't work, in the text of a manifest. */
export function refusedForms(text: string): string[] {
  return variablesIn(text)
    .filter((name) => !VARIABLE_NAME.test(name))
    .map((name) => `\${${name}}: write \${${spelling(name)}}`);
}

/** A name as Flux accepts it: dots and dashes, as in the original documents, become underscores. */
export function spelling(name: string): string {
  return name.replace(/[.-]/g, "_");
}
