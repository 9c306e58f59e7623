import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

/** Names of environment variables, and of lines in .env, whose values are secrets. */
const SECRET_NAME =
  /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE|PRIVATE_KEY|ACCESS_KEY|ACCESS_KEY_ID|SECRET_KEY|API_KEY|WEBHOOK_URL|ACCOUNT_SID|ENCRYPTION_KEY|AGE_KEY)$/i;

/** Names that mean a secret only as the last word (`PWD` by itself is the working directory), and may mean the file of one. */
const SECRET_WORD = /(?:^PASS|_(?:PASS|PWD|CREDENTIALS?|DSN|AUTH|COOKIE|KEY))$/i;
/** Keys that everybody may have. */
const PUBLIC_KEY = /(?:PUBLIC|CACHE|HOST|SORT|PRIMARY|FOREIGN|PARTITION)_KEY$/i;

/** `postgres://user:password@host/name`, `https://token@host`: whatever its variable is called. */
const ADDRESS_WITH_USER = /^[a-z][a-z0-9+.-]*:\/\/([^\s/?#]*)@/i;

/**
 * The values among variables that nobody may read.
 * @param known names that are secret whatever they look like, alone or behind an environment's name and `_`
 */
export function secretsOf(
  variables: Readonly<Record<string, string | undefined>>,
  known: Iterable<string>,
): string[] {
  const names = [...known];
  const isKnown = (name: string): boolean => names.some((one) => name === one || name.endsWith(`_${one}`));
  return Object.entries(variables).flatMap(([name, value]) => {
    if (!value) return [];
    const isSecret =
      isKnown(name) ||
      SECRET_NAME.test(name) ||
      (SECRET_WORD.test(name) && !PUBLIC_KEY.test(name) && !isFile(value));
    return [...(isSecret ? [value] : []), ...secretsOfAddress(value)];
  });
}

/** `GOOGLE_APPLICATION_CREDENTIALS` and its like name a file, whose path may be said. */
function isFile(value: string): boolean {
  return isAbsolute(value) && existsSync(value);
}

/** The whole address, and its password by itself, also as it is without the escapes of an address. */
function secretsOfAddress(value: string): string[] {
  const [, user] = ADDRESS_WITH_USER.exec(value.trim()) ?? [];
  if (!user) return [];
  const colon = user.indexOf(":");
  // Behind a name without a password there is nothing secret: ssh://git@github.com.
  if (colon < 0 && user.length < LEAST_TOKEN) return [];
  const password = user.slice(colon + 1);
  if (password === "") return [];
  return [value.trim(), password, decoded(password)];
}

/** A user without a password can be a token, which is longer than a name. */
const LEAST_TOKEN = 20;

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
