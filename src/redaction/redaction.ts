import { formsOf } from "./forms";

/** What stands in a text where a secret was. */
const MASK = "***";

/** Names of environment variables, and of lines in .env, whose values are secrets. */
const SECRET_NAME =
  /(?:TOKEN|SECRET|PASSWORD|PASSWD|SMTP_PASS|PRIVATE_KEY|ACCESS_KEY|ACCESS_KEY_ID|SECRET_KEY|API_KEY|WEBHOOK_URL|ACCOUNT_SID|ENCRYPTION_KEY|AGE_KEY)$/i;

/**
 * Secrets that are known by their looks, whoever has them: private keys of age and in PEM, tokens of DigitalOcean (docs.digitalocean.com,
 * "API tokens" begin with dop_v1_, doo_v1_, dor_v1_) and GitHub (docs.github.com, "token prefixes"), and what is sent to authorize.
 */
const KNOWN_FORMS: ReadonlyArray<readonly [RegExp, string]> = [
  [/AGE-SECRET-KEY-1[A-Z0-9]{20,}/gi, MASK],
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  [/\bdo[opr]_v1_[0-9a-f]{16,}/gi, MASK],
  [/\b(?:gh[opsur]_[A-Za-z0-9]{16,}|github_pat_[A-Za-z0-9_]{16,})/g, MASK],
  [/(\bauthorization\b["']?\s*[:=]\s*\[?["']?(?:bearer|basic|token)\s+)[^\s"'\]]+/gi, `$1${MASK}`],
];

const values = new Set<string>();
/** Made of all values at the first use after one was added. */
let pattern: RegExp | undefined;

/**
 * Makes values unreadable in everything that redact() gets from now on. Values of less than 8 characters are left out: they could be words
 * that are printed for another reason.
 */
export function concealValues(secrets: Iterable<string | undefined>): void {
  for (const secret of secrets) {
    if (secret === undefined) continue;
    for (const form of formsOf(secret)) values.add(form);
  }
  pattern = undefined;
}

/** Conceals the values of variables whose names say that they are secret, such as `DIGITALOCEAN_TOKEN` or `STAGING_SMTP_PASSWORD`. */
export function concealVariables(variables: Readonly<Record<string, string | undefined>>): void {
  concealValues(
    Object.entries(variables).flatMap(([name, value]) => (SECRET_NAME.test(name) ? [value] : [])),
  );
}

/** The text with `***` in place of every concealed value, in each form that it can have, and of everything that looks like a key or token. */
export function redact(text: string): string {
  pattern ??= patternOf(values);
  return KNOWN_FORMS.reduce(
    (redacted, [form, mask]) => redacted.replace(form, mask),
    text.replace(pattern, MASK),
  );
}

/** The longest first: a value may begin with another one. */
function patternOf(forms: ReadonlySet<string>): RegExp {
  const longestFirst = [...forms].sort((a, b) => b.length - a.length);
  const escaped = longestFirst.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(escaped.length > 0 ? escaped.join("|") : "(?!)", "g");
}

/**
 * Redacts everything that this process writes to a stream, whichever module writes it: the one place that no message, no error of a
 * library and no diagnostic of terraform gets past.
 */
export function redactStream(stream: Pick<NodeJS.WriteStream, "write">): void {
  const write = stream.write.bind(stream) as (chunk: unknown, ...rest: unknown[]) => boolean;
  stream.write = ((chunk: string | Uint8Array, ...rest: unknown[]) =>
    write(
      redact(typeof chunk === "string" ? chunk : Buffer.from(chunk).toString("utf8")),
      ...rest,
    )) as typeof stream.write;
}
