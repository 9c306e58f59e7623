import { FormMatcher } from "./form-matcher";
import { formsOf } from "./forms";
import { type RedactableStream, redactStream as redactStreamWith } from "./redact-stream";
import { Redactor } from "./redactor";
import { secretsOf } from "./secret-variables";

/** Every form of every value that is concealed. */
const forms = new FormMatcher();

/**
 * Makes values unreadable in everything that is redacted from now on. Values of less than 8 characters are left out: they could be words
 * that are printed for another reason.
 */
export function concealValues(secrets: Iterable<string | undefined>): void {
  for (const secret of secrets) {
    if (secret === undefined) continue;
    for (const form of formsOf(secret)) forms.add(asBytes(form));
  }
}

/**
 * Conceals the values of variables that are secret: those that the project knows by name, those whose names say so, such as
 * `STAGING_SMTP_PASSWORD`, and passwords in addresses.
 * @param known names that are secret whatever they look like, alone or behind an environment's name and `_`
 */
export function concealVariables(
  variables: Readonly<Record<string, string | undefined>>,
  known: Iterable<string> = [],
): void {
  concealValues(secretsOf(variables, known));
}

/** The text with `***` in place of every concealed value, in each form that it can have, and of everything that looks like a key or token. */
export function redact(text: string): string {
  const bytes = asBytes(text);
  const redactor = redactorOfPieces();
  const redacted = redactor.push(bytes) + redactor.letGo();
  return redacted === bytes ? text : Buffer.from(redacted, "latin1").toString("utf8");
}

/** For a text that comes in pieces, of which each sign is a byte (latin1). */
export function redactorOfPieces(): Redactor {
  return new Redactor(forms);
}

/** Redacts everything that this process writes to a stream, whichever module writes it, and wherever the text is cut into writes. */
export function redactStream(stream: RedactableStream): void {
  redactStreamWith(stream, redactorOfPieces());
}

function asBytes(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}
