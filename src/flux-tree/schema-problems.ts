import { nearest } from "../config";

/** A schema as `npm run tools` writes it, as far as messages need it. */
export interface ReadSchema {
  readonly properties?: Readonly<Record<string, ReadSchema>>;
  readonly additionalProperties?: boolean | ReadSchema;
  readonly items?: ReadSchema;
  readonly "x-kubernetes-list-map-keys"?: readonly string[];
}

/** A problem of an object whose name is known to the caller. */
export interface FoundProblem {
  readonly path: string;
  readonly message: string;
}

/** A line of the validator's message: how deep it stands, the JSON pointer and what is wrong there. */
interface Line {
  readonly depth: number;
  readonly keys: readonly string[];
  readonly text: string;
}

/**
 * Turns kubeconform's message into problems that say what to change. Its list of errors has the outermost ones only;
 * the message has all, joined by blanks where the validator had line ends.
 */
export function explain(message: string, schema: ReadSchema): FoundProblem[] {
  const lines = [...message.matchAll(/ ( *)- at '((?:[^'\\]|\\.)*)': (.*?)(?= +- at '|$)/gs)].map(
    ([, indent = "", pointer = "", text = ""]): Line => ({
      depth: indent.length,
      keys: keysOf(pointer),
      text: text.trim(),
    }),
  );
  if (lines.length === 0) return [{ path: "", message }];
  return problemsIn(lines, schema);
}

function keysOf(pointer: string): string[] {
  return pointer
    .split("/")
    .slice(1)
    .map((key) => key.replaceAll("~1", "/").replaceAll("~0", "~").replaceAll("\\'", "'"));
}

function problemsIn(lines: readonly Line[], schema: ReadSchema): FoundProblem[] {
  const problems: FoundProblem[] = [];
  for (let index = 0; index < lines.length; ) {
    const line = lines[index] as Line;
    const end = lines.findIndex((other, at) => at > index && other.depth <= line.depth);
    const inner = lines.slice(index + 1, end === -1 ? lines.length : end);
    index += inner.length + 1;
    if (/^'(?:oneOf|anyOf)' failed/.test(line.text) && inner.length > 0) {
      const ways = problemsIn(inner, schema).map(({ path, message }) => `${path || "here"}: ${message}`);
      problems.push({ path: pathOf(line.keys), message: `has to be one of these, but ${ways.join("; ")}` });
    } else if (inner.length > 0) problems.push(...problemsIn(inner, schema));
    else problems.push(...readable(line, schema));
  }
  return problems;
}

function readable({ keys, text }: Line, schema: ReadSchema): FoundProblem[] {
  const unknown = /^additional properties (.+) not allowed$/.exec(text)?.[1];
  if (unknown !== undefined) {
    const names = Object.keys(schemaAt(schema, keys)?.properties ?? {});
    return quoted(unknown).map((name) => ({
      path: pathOf([...keys, name]),
      message: `there is no such field${suggestion(name, names)}`,
    }));
  }
  const missing = /^missing propert(?:y|ies) (.+)$/.exec(text)?.[1];
  if (missing !== undefined)
    return quoted(missing).map((name) => ({ path: pathOf([...keys, name]), message: "is missing" }));
  return [{ path: pathOf(keys), message: valueProblem(text, keys) }];
}

const quoted = (list: string): string[] =>
  [...list.matchAll(/'((?:[^'\\]|\\.)*)'/g)].map(([, name = ""]) => name.replaceAll("\\'", "'"));

function suggestion(name: string, names: readonly string[]): string {
  const near = nearest(name, names);
  if (near.length > 0) return `; did you mean ${near.join(" or ")}?`;
  return names.length > 0 && names.length <= 12 ? `; there are ${names.join(", ")}` : "";
}

function valueProblem(text: string, keys: readonly string[]): string {
  const [, got, wanted = ""] = /^got (\w+), want (.+)$/.exec(text) ?? [];
  if (got !== undefined) {
    const types = wanted.split(/, | or /).filter((type) => type !== "null");
    const quotes =
      types.includes("string") && ["number", "boolean"].includes(got)
        ? "; write it in quotes, a variable as ${quote}${…}${quote}"
        : "";
    return `is ${article(got)}, has to be ${types.map(article).join(" or ")}${quotes}`;
  }
  const values = /^value must be one of (.+)$/.exec(text)?.[1];
  if (values !== undefined)
    return `has to be one of ${values.replaceAll(/, (?:''|<nil>|null)(?=,|$)/g, "").replaceAll("'", "")}`;
  const pattern = /does not match pattern '(.*)'$/s.exec(text)?.[1];
  // The value itself may be a secret.
  if (pattern !== undefined) return patternProblem(pattern.replaceAll("\\\\", "\\"), keys);
  return text;
}

const article = (type: string): string =>
  type === "null" ? "null" : `${/^[aeiou]/.test(type) ? "an" : "a"} ${type}`;

function patternProblem(pattern: string, [key]: readonly string[]): string {
  if (/\[numkMGTPE\]/.test(pattern)) return "has to be a quantity such as 500m, 2 or 1Gi";
  if (pattern.includes("[A-Za-z0-9+/]"))
    return `has to be base64${key === "data" ? "; stringData takes plain text" : ""}`;
  return `has to match ${pattern}`;
}

/** The schema of a value in an object, where it has one. */
function schemaAt(schema: ReadSchema | undefined, keys: readonly string[]): ReadSchema | undefined {
  const [key, ...rest] = keys;
  return schema === undefined || key === undefined ? schema : schemaAt(schemaOf(schema, key), rest);
}

function schemaOf(
  { properties, items, additionalProperties }: ReadSchema,
  key: string,
): ReadSchema | undefined {
  if (items) return items;
  return properties?.[key] ?? (typeof additionalProperties === "object" ? additionalProperties : undefined);
}

/** `["spec", "ports", "0", "name"]` → `spec.ports[0].name`. */
function pathOf(keys: readonly string[]): string {
  return keys.reduce((path, key) => {
    if (/^\d+$/.test(key)) return `${path}[${key}]`;
    if (/[./]/.test(key)) return `${path}[${JSON.stringify(key)}]`;
    return path === "" ? key : `${path}.${key}`;
  }, "");
}

/** What stands for a key that an entry leaves out, where the API server has a default for it. */
const DEFAULT_KEYS: Readonly<Record<string, string>> = { protocol: "TCP" };

/**
 * Entries of a list that the API server tells apart by keys (a container's variables by their names): two with the same
 * keys make Flux's server-side apply fail, which JSON Schema can't say.
 */
export function duplicateEntries(
  value: unknown,
  schema: ReadSchema | undefined,
  keys: readonly string[] = [],
): FoundProblem[] {
  if (schema === undefined || typeof value !== "object" || value === null) return [];
  const within = Object.entries(value).flatMap(([key, inner]) =>
    duplicateEntries(inner, schemaOf(schema, key), [...keys, key]),
  );
  const mapKeys = schema["x-kubernetes-list-map-keys"];
  if (!mapKeys || !Array.isArray(value)) return within;
  const first = new Map<string, number>();
  const own = value.flatMap((entry: Record<string, unknown>, index): FoundProblem[] => {
    const identity = mapKeys.map((key) => `${key} ${String(entry?.[key] ?? DEFAULT_KEYS[key])}`).join(", ");
    const earlier = first.get(identity);
    if (earlier === undefined) first.set(identity, index);
    return earlier === undefined
      ? []
      : [
          {
            path: pathOf([...keys, String(index)]),
            message: `has the same ${identity} as ${pathOf([...keys, String(earlier)])}`,
          },
        ];
  });
  return [...own, ...within];
}
