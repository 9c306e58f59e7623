import type { ApplicationSecret } from "./application-secret";
import { neededSecrets, readSecretFile, secretFile, valuesIn } from "./secret-files";
import { type MissingValue, missingValues } from "./secret-values";

/** Where an environment's secrets are, and what they are made of. */
export interface SecretsContext {
  /** The project's directory. */
  readonly directory: string;
  readonly environment: string;
  readonly declared: readonly ApplicationSecret[];
  /** The environment variables and the lines of .env. */
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** What is known of a secret without any key. Never holds a value. */
export interface SecretStatus {
  readonly name: string;
  readonly namespace: string;
  /** From the project's directory. */
  readonly file: string;
  readonly created: boolean;
  readonly keys: readonly string[];
  /** Keys that the file doesn't have. */
  readonly missingKeys: readonly string[];
  /** Given values that the file needs and that aren't set here. */
  readonly missingValues: readonly MissingValue[];
}

/** The secrets that what Flux applies in an environment needs. */
export function inventory(context: SecretsContext): SecretStatus[] {
  const { directory, environment, declared } = context;
  return neededSecrets(directory, environment, declared).map((secret) => {
    const file = secretFile(secret, environment);
    const present = readSecretFile(directory, file);
    const keys = Object.keys(secret.values);
    const open = openKeys(secret, present ? valuesIn(present) : {});
    return {
      name: secret.name,
      namespace: secret.namespace,
      file,
      created: present !== undefined,
      keys,
      missingKeys: keys.filter((key) => !(key in (present ? valuesIn(present) : {}))),
      missingValues: missingValues(secret, open, context),
    };
  });
}

/**
 * The secrets of an environment that are not created yet, or have no value for a key: what every command counts.
 * @throws Error that names a file that isn't YAML
 */
export function openSecrets(context: SecretsContext): SecretStatus[] {
  return inventory(context).filter(isOpen);
}

/** Whether a secret is not created yet, or its file lacks a key. */
export const isOpen = ({ created, missingKeys }: SecretStatus): boolean => !created || missingKeys.length > 0;

/** Keys that have no value yet: absent ones, and given values that were left out and are therefore empty. */
export function openKeys(
  { values }: ApplicationSecret,
  present: Readonly<Record<string, unknown>>,
): string[] {
  return Object.entries(values)
    .filter(([key, value]) => !(key in present) || ("variable" in value && present[key] === ""))
    .map(([key]) => key);
}
