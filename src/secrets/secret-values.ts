import { createHash, randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { shownPath } from "../place";
import { concealValues } from "../redaction";
import type { ApplicationSecret, SecretValue } from "./application-secret";
import { webhookToken, webhookTokenFile } from "./private-files";
import { readPublished } from "./published";
import { actionsSecretName } from "./tokens";

type Variables = Readonly<Record<string, string | undefined>>;

/** A value that only a person can give and that isn't there. */
export interface MissingValue {
  readonly key: string;
  /** The names under which it is looked for, the more specific first. */
  readonly variables: readonly [string, string];
  readonly what: string;
  /** What is switched off without it; absent: the secret can't be made. */
  readonly withoutIt?: string;
}

export interface ValueOptions {
  readonly directory: string;
  readonly environment: string;
  readonly variables: Variables;
}

/** Tokens of the cluster's own, and the deployment's that stand in for them where they are not set. ./setup.sh warns then. */
const STAND_INS: Readonly<Record<string, string>> = {
  DNS_DIGITALOCEAN_TOKEN: "DIGITALOCEAN_TOKEN",
  FLUX_GITHUB_TOKEN: "GITHUB_TOKEN",
};

/**
 * A value that a person gives, from `<ENVIRONMENT>_<variable>` or `<variable>`.
 * @throws Error that names the variable when its value has a control character: no container could be given it
 */
export function givenValue(variable: string, { environment, variables }: ValueOptions): string | undefined {
  const names = [variable, STAND_INS[variable] ?? variable].flatMap((one) => [
    actionsSecretName(environment, one),
    one,
  ]);
  const name = names.find((candidate) => variables[candidate]);
  const value = name === undefined ? undefined : variables[name];
  if (value !== undefined && /[\u0000-\u0008\u000b-\u001f\u007f]/.test(value))
    throw new Error(`${name} has a control character in its value: write it again, without it`);
  return value;
}

/** The given values of a secret that are missing, among some of its keys. */
export function missingValues(
  { values }: ApplicationSecret,
  keys: readonly string[],
  options: ValueOptions,
): MissingValue[] {
  return keys.flatMap((key) => {
    const value = values[key];
    if (!value || !("variable" in value) || givenValue(value.variable, options) !== undefined) return [];
    const { variable, what, withoutIt } = value;
    const names = [actionsSecretName(options.environment, variable), variable] as const;
    return [{ key, variables: names, what, ...(withoutIt === undefined ? {} : { withoutIt }) }];
  });
}

/** The keys that are made of some others, directly or by way of others still: they are recreated with them. */
export function madeOf({ values }: ApplicationSecret, keys: readonly string[]): string[] {
  const found = new Set(keys);
  for (let size = -1; size !== found.size; ) {
    size = found.size;
    for (const [key, value] of Object.entries(values))
      if (sourcesOf(value).some((source) => found.has(source))) found.add(key);
  }
  return [...found].filter((key) => !keys.includes(key));
}

const REFERENCE = /\{([A-Za-z0-9_.-]+)\}/g;

function sourcesOf(value: SecretValue): string[] {
  if ("template" in value) return [...value.template.matchAll(REFERENCE)].map(([, key]) => key as string);
  return "htpasswd" in value ? [value.htpasswd.passwordKey] : [];
}

/** Fewer random bytes than these in a password could be guessed from the unsalted digest in an htpasswd line. */
const HTPASSWD_BYTES = 16;

/**
 * Makes the values of a secret that it doesn't have yet.
 * @param existing values that are there already and that others may be made of
 * @returns the new ones, in the order of the declaration
 * @throws Error for a declaration that can't work, or a private file that another machine has
 */
export function makeValues(
  secret: ApplicationSecret,
  existing: Readonly<Record<string, string>>,
  options: ValueOptions,
): Record<string, string> {
  const known = new Map(Object.entries(existing));
  const made: Record<string, string> = {};
  const resolve = (key: string, waiting: readonly string[]): string => {
    const present = known.get(key);
    if (present !== undefined) return present;
    const place = `the secret ${secret.name} in src/secrets/applications`;
    const declared = secret.values[key];
    if (!declared) throw new Error(`${place}: there is no key ${key} to make ${waiting.at(-1)} of`);
    if (waiting.includes(key))
      throw new Error(`${place}: ${[...waiting, key].join(" is made of ")}, which never ends`);
    const value = make(declared, key, (other) => resolve(other, [...waiting, key]));
    known.set(key, value);
    return value;
  };
  const make = (value: SecretValue, key: string, other: (key: string) => string): string => {
    if ("random" in value) return random(value);
    if ("variable" in value) return givenValue(value.variable, options) ?? "";
    if ("template" in value) return value.template.replace(REFERENCE, (_, name: string) => other(name));
    if ("privateFile" in value) return privateToken(options);
    const { user, passwordKey } = value.htpasswd;
    requireStrong(secret, key, passwordKey);
    return htpasswdLine(user, other(passwordKey));
  };
  for (const key of Object.keys(secret.values)) {
    if (!(key in existing)) made[key] = resolve(key, []);
  }
  return made;
}

function random({ random: form, bytes }: Extract<SecretValue, { random: string }>): string {
  const value = form === "uuid" ? randomUUID() : randomBytes(bytes).toString(form);
  concealValues([value]);
  return value;
}

/** Apache's `{SHA}` form, which traefik and nginx read: no salt, which a long random password doesn't need. */
function htpasswdLine(user: string, password: string): string {
  return `${user}:{SHA}${createHash("sha1").update(password).digest("base64")}`;
}

function requireStrong({ name, values }: ApplicationSecret, key: string, passwordKey: string): void {
  const password = values[passwordKey];
  if (password && "random" in password && password.bytes >= HTPASSWD_BYTES) return;
  throw new Error(
    `the secret ${name} in src/secrets/applications: ${key} is an htpasswd line, so ${passwordKey} has to be random with at least ${HTPASSWD_BYTES} bytes`,
  );
}

/** The webhook's path at GitHub follows from the token: another token would not be called. */
function privateToken({ directory, environment }: ValueOptions): string {
  const elsewhere =
    !existsSync(webhookTokenFile(directory, environment)) &&
    readPublished(directory, environment) !== undefined;
  if (elsewhere)
    throw new Error(
      `${shownPath(directory, webhookTokenFile("", environment))} is on the machine that deployed first, and GitHub's webhook is made of it: create this secret there, or copy the file here`,
    );
  return webhookToken(directory, environment);
}
