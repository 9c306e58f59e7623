import { existsSync } from "node:fs";
import { isAbsolute } from "node:path";

/** Words that mean a secret wherever they stand in the name of a variable, or of a line in .env, whatever goes before them in a part. */
const SECRET_ANYWHERE = /(?:TOKEN|SECRET|PASSWORD|PASSWD|PASSPHRASE)\d*(?:_|$)/;
/** What is known of such a secret, and no secret itself: `AWS_WEB_IDENTITY_TOKEN_FILE`, `OAUTH_TOKEN_URL`. */
const ABOUT_A_SECRET =
  /_(?:FILE|FILENAME|PATH|DIR|DIRECTORY|FOLDER|NAME|URL|URI|ENDPOINT|HOST|ARN|TYPE|TTL|EXPIRY|EXPIRES|LENGTH|SCOPES?|ISSUER|AUDIENCE|VERSION|REGION|PROVIDER|HELPER|BACKEND|STORE|MANAGER)$/;
/** Terraform's own: the rest of the name is a host (developer.hashicorp.com/terraform/cli/config/config-file). */
const TOKEN_OF_A_HOST = /^TF_TOKEN_/;
const SECRET_LAST =
  /(?:(?:PRIVATE|ACCESS|SECRET|API|ENCRYPTION|AGE)_?KEY|ACCESS_KEY_ID|WEBHOOK|WEBHOOK_URL|ACCOUNT_SID)$/;
/** Names that mean a secret only as the last word (`PWD` by itself is the working directory), and may mean the file of one. */
const SECRET_WORD = /(?:^PASS|_(?:PASS|PWD|PAT|CREDENTIALS?|DSN|AUTH|COOKIE|KEY))$/;
/** Keys that everybody may have. */
const PUBLIC_KEY = /(?:PUBLIC|CACHE|HOST|SORT|PRIMARY|FOREIGN|PARTITION)_KEY$/;
/** Which one of several it is, or how it is written, says nothing about what it is. */
const WHICH_ONE =
  /(?:_(?:V?\d+|OLD|NEW|PREV|PREVIOUS|CURRENT|NEXT|BACKUP|PRIMARY|SECONDARY|VALUE|PEM|B64|BASE64|JSON))+$/;

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
    const isSecret = isKnown(name) || saysSecret(name, value);
    return [...(isSecret ? [value] : []), ...secretsOfAddress(value)];
  });
}

function saysSecret(name: string, value: string): boolean {
  // apiKey as API_KEY.
  const words = name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toUpperCase();
  const what = words.replace(WHICH_ONE, "");
  return (
    TOKEN_OF_A_HOST.test(words) ||
    SECRET_LAST.test(what) ||
    (SECRET_ANYWHERE.test(what) && !ABOUT_A_SECRET.test(what)) ||
    (SECRET_WORD.test(what) && !PUBLIC_KEY.test(what) && !isFile(value))
  );
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
