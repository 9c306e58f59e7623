import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, isMap, isSeq, parseDocument } from "yaml";
import { writeWhole } from "./write-whole";

/** SOPS's own configuration: for whom which file is encrypted. Public, so it belongs into Git. */
export const SOPS_CONFIGURATION = ".sops.yaml";

interface CreationRule {
  readonly path_regex?: string;
  readonly age?: string | readonly string[];
}

/** The files of an environment that are encrypted. */
export function encryptedPaths(environment: string): string {
  return `^flux/.*/${environment}/secrets/`;
}

/**
 * For whom an environment's secrets are encrypted: the first is the key that Flux has in the cluster, others are people's own
 * copies. Undefined when .sops.yaml has no rule for the environment yet.
 * @throws Error that names the file when it isn't SOPS's configuration
 */
export function readRecipients(directory: string, environment: string): readonly string[] | undefined {
  const { creation_rules: rules } = (readDocument(directory)?.toJS() ?? {}) as {
    creation_rules?: readonly CreationRule[];
  };
  const example = `flux/apps/application/${environment}/secrets/secret.yaml`;
  const rule = rules?.find(({ path_regex: pattern }) => new RegExp(pattern ?? "").test(example));
  if (rule === undefined) return undefined;
  const list = typeof rule.age === "string" ? rule.age.split(",") : (rule.age ?? []);
  const recipients = list.map((recipient) => recipient.trim()).filter((recipient) => recipient !== "");
  if (recipients.length === 0)
    throw new Error(
      `${SOPS_CONFIGURATION}: the rule for ${environment} (${rule.path_regex ?? "every file"}) names no age recipient. Put the public key of ${environment} there, or take the rule out and run npm run secrets -- create`,
    );
  return recipients;
}

/** Adds the rule for an environment that has none; comments and other rules stay. */
export function addRecipient(directory: string, environment: string, recipient: string): void {
  const document = readDocument(directory) ?? parseDocument(HEADER);
  const rule = document.createNode({
    path_regex: encryptedPaths(environment),
    encrypted_regex: "^(data|stringData)$",
    // Names in the open part may be changed later (npm run deploy puts the project's there): no reason to refuse the file.
    mac_only_encrypted: true,
    age: recipient,
  });
  const rules = document.get("creation_rules");
  if (isSeq(rules)) {
    rules.flow = false;
    // Before the others: SOPS takes the first that fits.
    rules.items.unshift(rule);
  } else document.set("creation_rules", document.createNode([rule]));
  writeWhole(join(directory, SOPS_CONFIGURATION), document.toString({ lineWidth: 0 }));
}

const HEADER = `# For whom SOPS encrypts: each environment's secrets for the key of that environment only.
creation_rules: []
`;

function readDocument(directory: string): Document | undefined {
  const file = join(directory, SOPS_CONFIGURATION);
  if (!existsSync(file)) return undefined;
  const document = parseDocument(readFileSync(file, "utf8"));
  const [error] = document.errors;
  if (error || (document.contents !== null && !isMap(document.contents)))
    throw new Error(
      `${SOPS_CONFIGURATION} is damaged (${error?.message ?? "it is no mapping"}): restore it with \`git checkout -- ${SOPS_CONFIGURATION}\``,
    );
  return document;
}
