import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import type { RuleContext } from "./context";
import type { OutcomeBuilder } from "./rule";
import { systemOf } from "./system-of";

const SOPS_CONFIGURATION = ".sops.yaml";

interface CreationRule {
  readonly path_regex?: string;
  readonly age?: string | readonly string[];
}

/** Encrypted files can be read with the key of their environment, and with no other. */
export function checkRecipients(outcome: OutcomeBuilder, context: RuleContext): void {
  const encrypted = context.files.flatMap((file) =>
    file.manifests.flatMap((manifest) =>
      manifest?.sops === undefined ? [] : [{ file: file.file, recipients: recipientsOf(manifest.sops) }],
    ),
  );
  const rules = creationRules(context.tree.directory);
  for (const { file, recipients } of encrypted) {
    const place = { system: systemOf(file, context.kustomizations), place: file };
    const rule = rules.find(({ path_regex: pattern }) => new RegExp(pattern ?? "").test(file));
    const wanted = rule && recipientList(rule.age);
    outcome.check(
      place,
      wanted !== undefined && wanted.length > 0,
      `is encrypted, and ${SOPS_CONFIGURATION} doesn't say for whom`,
      `add a rule for it to ${SOPS_CONFIGURATION} (npm run secrets writes them)`,
    );
    if (!wanted) continue;
    const foreign = recipients.filter((recipient) => !wanted.includes(recipient));
    outcome.check(
      place,
      foreign.length === 0,
      `can be read by ${foreign.join(", ")}, who is not among those of ${SOPS_CONFIGURATION}`,
      `sops updatekeys ${file}`,
    );
    const absent = wanted.filter((recipient) => !recipients.includes(recipient));
    outcome.check(
      place,
      absent.length === 0,
      `can't be read by ${absent.join(", ")}, for whom ${SOPS_CONFIGURATION} wants it`,
      `sops updatekeys ${file}`,
    );
  }
  checkShared(outcome, context, encrypted);
}

/** The first recipient is the key that Flux has in the environment's cluster; the others are people's own copies. */
function checkShared(
  outcome: OutcomeBuilder,
  context: RuleContext,
  encrypted: ReadonlyArray<{ readonly file: string; readonly recipients: readonly string[] }>,
): void {
  const owners = new Map<string, Set<string | undefined>>();
  for (const {
    file,
    recipients: [key = ""],
  } of encrypted)
    owners.set(key, (owners.get(key) ?? new Set()).add(environmentIn(file)));
  for (const { file, recipients } of encrypted) {
    const environment = environmentIn(file);
    const isForeign = (recipient: string): boolean =>
      [...(owners.get(recipient) ?? [])].some((owner) => owner !== environment);
    const foreign = recipients.find(isForeign);
    outcome.check(
      { system: systemOf(file, context.kustomizations), place: file },
      foreign === undefined,
      `can be read with ${foreign}, the key of another environment's cluster`,
      "give each environment a key of its own (npm run secrets does), then sops updatekeys on its files",
    );
  }
}

/** `flux/apps/chatbox/staging/secrets/x.yaml` → `staging` */
function environmentIn(file: string): string | undefined {
  return /^flux\/(?:(?:apps|infrastructure)\/[^/]+|clusters)\/([^/]+)\//.exec(file)?.[1];
}

function recipientsOf(sops: { age?: ReadonlyArray<{ recipient?: string }> }): string[] {
  return (sops.age ?? []).flatMap(({ recipient }) => recipient ?? []);
}

function recipientList(age: CreationRule["age"]): string[] {
  const list = typeof age === "string" ? age.split(",") : (age ?? []);
  return list.map((recipient) => recipient.trim()).filter((recipient) => recipient !== "");
}

function creationRules(directory: string): readonly CreationRule[] {
  const file = join(directory, SOPS_CONFIGURATION);
  if (!existsSync(file)) return [];
  return parse(readFileSync(file, "utf8"))?.creation_rules ?? [];
}
