import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { shellIn } from "../../place";
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
  const { directory } = context.tree;
  // In a sandbox's folder, where SOPS finds the sandbox's own rules and not those of the checkout.
  const update = (file: string): string => shellIn(directory, `sops updatekeys ${file}`);
  const rules = creationRules(directory);
  for (const { file, recipients } of encrypted) {
    const place = { system: systemOf(file, context.kustomizations), place: file };
    const rule = rules.find(({ path_regex: pattern }) => new RegExp(pattern ?? "").test(file));
    const wanted = rule && recipientList(rule.age);
    outcome.check(
      place,
      wanted !== undefined && wanted.length > 0,
      `is encrypted, and ${SOPS_CONFIGURATION} doesn't say for whom`,
      `add a rule for it to ${SOPS_CONFIGURATION} (npm run secrets -- create writes them)`,
    );
    if (!wanted) continue;
    const foreign = recipients.filter((recipient) => !wanted.includes(recipient));
    outcome.check(
      place,
      foreign.length === 0,
      `can be read by ${foreign.join(", ")}, who is not among those of ${SOPS_CONFIGURATION}`,
      update(file),
    );
    const absent = wanted.filter((recipient) => !recipients.includes(recipient));
    outcome.check(
      place,
      absent.length === 0,
      `can't be read by ${absent.join(", ")}, for whom ${SOPS_CONFIGURATION} wants it`,
      update(file),
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
  // How many files of each environment are encrypted for a key: the one with most of them is the key's own.
  const files = new Map<string, Map<string | undefined, number>>();
  for (const {
    file,
    recipients: [key = ""],
  } of encrypted) {
    const counts = files.get(key) ?? new Map<string | undefined, number>();
    counts.set(environmentIn(file), (counts.get(environmentIn(file)) ?? 0) + 1);
    files.set(key, counts);
  }
  for (const { file, recipients } of encrypted) {
    const environment = environmentIn(file);
    const isForeign = (recipient: string): boolean => {
      const counts = files.get(recipient) ?? new Map<string | undefined, number>();
      const own = counts.get(environment) ?? 0;
      return [...counts].some(([other, count]) => other !== environment && count >= own);
    };
    const foreign = recipients.find(isForeign);
    outcome.check(
      { system: systemOf(file, context.kustomizations), place: file },
      foreign === undefined,
      `can be read with ${foreign}, the key of another environment's cluster`,
      "bring back this environment's own file from Git, or remove it and run npm run secrets -- create",
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
