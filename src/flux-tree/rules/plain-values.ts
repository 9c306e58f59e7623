import { isForeignRelease, type PlacedObject } from "../objects";
import type { Fields } from "../tree";
import type { RuleContext } from "./context";
import type { OutcomeBuilder } from "./rule";
import { references } from "./secret-references";

/** Overlays on nobody's cluster, whose secrets are no secrets. */
export const isDev = (place: string): boolean => /\/dev(?:\/|$)/.test(place);

/** Words that stand for a value which somebody still has to give. */
export const UNFINISHED = /\b(?:CHANGE_?ME|REPLACE_?WITH)\w*/i;

const SECRET_NAME = /password|passwd|secret|token|api[_-]?key|private[_-]?key/i;

/** Names that say something about a secret, such as where it is or how long it lasts. */
const ABOUT_A_SECRET =
  /(?:^|[_.-])(?:algorithm|audience|count|days|dir|directory|enabled|endpoint|expir\w*|expires[_-]in|file|format|header|hours|id|interval|issuer|length|lifetime|limit|max|min|minutes|mode|name|path|policy|prefix|ref|required|seconds|size|ttl|type|uri|url|user|username|version)$|\.(?:conf|ini|js|json|lua|md|php|pl|py|rules|sh|sql|tmpl|toml|xml|ya?ml)$/i;

/** Passwords in the places where settings belong. */
export function checkPlainValues(outcome: OutcomeBuilder, context: RuleContext): void {
  const names = new Set([
    ...context.declaredSecrets.map(({ name }) => name),
    ...references(context).map(({ name }) => name),
  ]);
  for (const placed of context.objects) {
    if (isDev(placed.place)) continue;
    for (const { field, name, value } of settingsOf(placed)) {
      if (!SECRET_NAME.test(name)) continue;
      const told =
        ABOUT_A_SECRET.test(name) || names.has(value) || UNFINISHED.test(value) || !looksSecret(value);
      outcome.checkUnlessReasoned(placed, told, {
        reason: "secrets",
        problem: `${field} is a secret in plain text, by its name`,
        fix: "declare a Secret in src/secrets/applications and take it from there; a value that was pushed is known and has to be replaced",
      });
    }
  }
}

interface Setting {
  readonly field: string;
  readonly name: string;
  readonly value: string;
}

function settingsOf(placed: PlacedObject): Setting[] {
  const { kind, data, spec } = placed.object;
  if (kind === "ConfigMap") {
    return Object.entries<unknown>(data ?? {}).flatMap(([name, value]) =>
      typeof value === "string" ? [{ field: `the key ${name}`, name, value }] : [],
    );
  }
  return isForeignRelease(placed.object) ? variablesIn(spec?.values) : variablesIn(spec);
}

/** Environment variables in a pod, or in the values of a chart, at whatever depth. */
function variablesIn(value: Fields): Setting[] {
  if (typeof value !== "object" || value === null) return [];
  const list: readonly unknown[] = Array.isArray(value) ? value : [];
  const own = list.flatMap((entry: Fields) =>
    typeof entry?.name === "string" && typeof entry.value === "string"
      ? [{ field: `the variable ${entry.name}`, name: entry.name, value: entry.value }]
      : [],
  );
  return [...own, ...Object.values(value).flatMap(variablesIn)];
}

/** Whether a text is what only some may know: no switch, number, duration, path, file, address or variable. */
function looksSecret(text: string): boolean {
  const value = text.trim();
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(value)) return true;
  if (value === "" || /[\n\s]/.test(value) || value.includes("${") || value.includes("$(")) return false;
  if (/^(?:true|false|yes|no|on|off|none|null|enabled|disabled|[\d.]+(?:ms|s|m|h|d)?)$/i.test(value))
    return false;
  if (/^\w+:\/\//.test(value)) return /^\w+:\/\/[^/@\s]*:[^/@\s]+@/.test(value);
  if (/^\.{0,2}\/[\w./-]*$/.test(value)) return false;
  return !/\.(?:cer|conf|crt|env|json|key|pem|txt|ya?ml)$/.test(value);
}
