import { addressed, npmRunIn } from "../place";
import { readAgeKey } from "./age-key";
import type { ApplicationSecret, RotationEffect, SecretValue } from "./application-secret";
import { changeValues } from "./change-values";
import { explainMissingKey } from "./foreign-key";
import type { SecretsContext } from "./inventory";
import { newWebhookToken, writeWebhookToken } from "./private-files";
import { neededSecrets, readSecretFile, type SecretFile, secretFile, valuesIn } from "./secret-files";
import { madeOf, makeValues } from "./secret-values";
import type { Sops } from "./sops";

/** Which values get new ones. Without names: every generated value that a running system takes without harm. */
export interface RotationChoice {
  /** `namespace/name`, or the name alone. */
  readonly secret?: string;
  readonly key?: string;
  /** Also those that a running system keeps, or that old data is encrypted with. */
  readonly force?: boolean;
  /** Tell what would be done, and do nothing. */
  readonly dryRun?: boolean;
}

/** A generated value that got a new one, or would. */
export interface RotatedValue {
  readonly secret: string;
  readonly file: string;
  readonly key: string;
  readonly effect: RotationEffect;
  /** Keys of the same secret that are made of it and were recreated with it. */
  readonly madeAnew: readonly string[];
}

/** A value that stays as it is. */
export interface KeptValue {
  readonly secret: string;
  readonly file: string;
  readonly key: string;
  readonly because: string;
  /** The person asked for this value by name, so that keeping it is a failure. */
  readonly asked: boolean;
}

/** What a rotation of values came to. Never holds a value. */
export interface ValueRotation {
  readonly environment: string;
  readonly rotated: readonly RotatedValue[];
  readonly kept: readonly KeptValue[];
}

/**
 * Gives generated values of an environment new ones. Values that a person has given are never touched. Each file is written whole, when
 * all of its new values are in it.
 * @throws Error when no such secret or key is declared there, the private key isn't here, or sops fails; files that are done stay
 */
export async function rotateValues(
  context: SecretsContext,
  choice: RotationChoice,
  sops: Sops,
): Promise<ValueRotation> {
  const { directory, environment, declared } = context;
  const candidates = neededSecrets(directory, environment, declared).filter(
    ({ namespace, name }) =>
      choice.secret === undefined || [name, `${namespace}/${name}`].includes(choice.secret),
  );
  if (candidates.length === 0) return { environment, rotated: [], kept: [] };
  if (!choice.dryRun && readAgeKey(directory, environment) === undefined)
    throw new Error(explainMissingKey(directory, environment, "no value can be changed"));
  const rotated: RotatedValue[] = [];
  const kept: KeptValue[] = [];
  for (const secret of candidates) {
    const outcome = sort(secret, choice, context);
    kept.push(...outcome.kept);
    if (outcome.rotated.length > 0 && !choice.dryRun)
      await renew(
        secret,
        outcome.rotated.map(({ key }) => key),
        context,
        sops,
      );
    rotated.push(...outcome.rotated);
  }
  return { environment, rotated, kept };
}

/** Sorts the values of a secret into those that get new ones and those that stay, with the reason. */
function sort(
  secret: ApplicationSecret,
  { key: wanted, secret: named, force = false }: RotationChoice,
  { directory, environment }: SecretsContext,
): Pick<ValueRotation, "rotated" | "kept"> {
  const file = secretFile(secret, environment);
  const present = readSecretFile(directory, file);
  const known = present ? valuesIn(present) : {};
  const place = { secret: `${secret.namespace}/${secret.name}`, file };
  const asked = named !== undefined || wanted !== undefined;
  const rotated: RotatedValue[] = [];
  const kept: KeptValue[] = [];
  for (const [key, value] of Object.entries(secret.values)) {
    if (wanted !== undefined && key !== wanted) continue;
    const keep = (because: string): void => void kept.push({ ...place, key, because, asked });
    if ("variable" in value) {
      if (asked)
        keep(
          `given by you: set ${value.variable} and use ${npmRunIn(directory, "secrets", "edit", place.secret, "--environment", environment)}`,
        );
    } else if ("template" in value || "htpasswd" in value) {
      if (asked && wanted !== undefined) keep("made of other keys of this secret: rotate those");
    } else if (present === undefined || !(key in known)) {
      if (asked) keep(`does not exist yet: ${npmRunIn(directory, "secrets", "create")} makes it`);
    } else {
      const effect = withCommand(effectOf(value), directory, place.secret, environment);
      if ("after" in effect || (force && named !== undefined))
        rotated.push({ ...place, key, effect, madeAnew: madeOf(secret, [key]) });
      else
        keep(
          `${explainEffect(effect, directory)} ${asked ? "Repeat it with --force if you mean it" : `For this one: --secret ${place.secret} --key-name ${key} --force`}`,
        );
    }
  }
  return { rotated, kept };
}

const UNKNOWN: RotationEffect = {
  procedure: "Nobody has declared what a new value does to a system that runs (src/secrets/applications).",
};
const WEBHOOK: RotationEffect = {
  after:
    "npm run deploy, which gives GitHub's webhook its new address; until then Flux looks by itself at its interval",
};

function effectOf(value: SecretValue): RotationEffect {
  if ("privateFile" in value) return WEBHOOK;
  return ("random" in value && value.rotation) || UNKNOWN;
}

/** Puts the command that shows the secret, which a declaration can't know, into a procedure. */
function withCommand(
  effect: RotationEffect,
  directory: string,
  secret: string,
  environment: string,
): RotationEffect {
  if (!("procedure" in effect)) return effect;
  const edit = npmRunIn(directory, "secrets", "edit", secret, "--environment", environment);
  return { procedure: effect.procedure.replaceAll("{edit}", edit) };
}

/**
 * What a value that somebody has changed means to a system that runs, as a sentence; undefined for one that is given by a person or made of
 * others, since nobody but them knows.
 */
export function explainChange(
  { namespace, name, values }: ApplicationSecret,
  key: string,
  { directory, environment }: Pick<SecretsContext, "directory" | "environment">,
): string | undefined {
  const value = values[key];
  if (value === undefined || !("random" in value || "privateFile" in value)) return undefined;
  const effect = withCommand(effectOf(value), directory, `${namespace}/${name}`, environment);
  return explainEffect(effect, directory);
}

/** What a new value does to a system that runs, as a sentence for whoever works in a directory. */
export function explainEffect(effect: RotationEffect, directory: string): string {
  if ("after" in effect) return `Afterwards: ${addressed(directory, effect.after)}.`;
  return "loss" in effect
    ? `With a new one ${effect.loss} can't be read any more.`
    : `${addressed(directory, effect.procedure).replace(/\.$/, "")}.`;
}

async function renew(
  secret: ApplicationSecret,
  keys: readonly string[],
  context: SecretsContext,
  sops: Sops,
): Promise<void> {
  const { directory, environment } = context;
  const file = secretFile(secret, environment);
  const renewed = [...keys, ...madeOf(secret, keys)];
  const opened = valuesIn((await sops.decrypt(file, environment)) as SecretFile) as Record<string, string>;
  const staying = Object.fromEntries(Object.entries(opened).filter(([key]) => !renewed.includes(key)));
  const token = keys.find((key) => "privateFile" in (secret.values[key] as SecretValue));
  const fresh = token === undefined ? {} : { [token]: newWebhookToken() };
  const made = { ...fresh, ...makeValues(secret, { ...staying, ...fresh }, context) };
  await changeValues(file, Object.fromEntries(renewed.map((key) => [key, made[key] ?? ""])), context, sops);
  if (token !== undefined) writeWebhookToken(directory, environment, fresh[token] as string);
}
