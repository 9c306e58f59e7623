import { FormMatcher } from "../../src/redaction/form-matcher";
import { formsOf } from "../../src/redaction/forms";
import { Redactor } from "../../src/redaction/redactor";

/** A redactor that knows these secrets only: those of the process are the ones of every test before. */
export function redactorOf(secrets: readonly string[]): Redactor {
  const forms = new FormMatcher();
  for (const form of secrets.flatMap(formsOf)) forms.add(Buffer.from(form).toString("latin1"));
  return new Redactor(forms);
}
