import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Document, isMap, isSeq, parseDocument, type YAMLMap } from "yaml";
import { writeWhole } from "../files";
import { bringBack, npmRunIn, shownPath } from "../place";

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
  const rule = rulesIn(readDocument(directory)).find(({ path_regex: pattern }) =>
    new RegExp(pattern ?? "").test(examplePath(environment)),
  );
  if (rule === undefined) return undefined;
  const recipients = recipientList(rule);
  if (recipients.length === 0)
    throw new Error(
      `${shownPath(directory, SOPS_CONFIGURATION)}: the rule for ${environment} (${rule.path_regex ?? "every file"}) names no age recipient. Put the public key of ${environment} there, or take the rule out and run ${npmRunIn(directory, "secrets", "create")}`,
    );
  return recipients;
}

/**
 * The public half of the key that an environment had before, while it is being replaced: the files and the cluster have both
 * until the rotation is finished. Undefined when none is under way.
 */
export function readRetiringRecipient(directory: string, environment: string): string | undefined {
  const rule = rulesIn(readDocument(directory)).find(
    ({ path_regex: pattern }) => pattern === retiringPath(environment),
  );
  return rule && recipientList(rule)[0];
}

/** The keys that Flux needs in an environment's cluster, the present one first: none, one, or two during a rotation. */
export function clusterRecipients(directory: string, environment: string): readonly string[] {
  const [present] = readRecipients(directory, environment) ?? [];
  const retiring = readRetiringRecipient(directory, environment);
  return [...new Set([present, retiring].flatMap((recipient) => recipient ?? []))];
}

/** A path that only an environment's rule fits. */
const examplePath = (environment: string): string =>
  `flux/apps/application/${environment}/secrets/secret.yaml`;

/**
 * The path of a rule that no file fits: it notes which key is being replaced, where CI and colleagues read it too, in a form that
 * every version of SOPS takes.
 */
const retiringPath = (environment: string): string => `^retiring-key/${environment}$`;

function rulesIn(document: Document | undefined): readonly CreationRule[] {
  return ((document?.toJS() ?? {}) as { creation_rules?: readonly CreationRule[] }).creation_rules ?? [];
}

function recipientList({ age }: CreationRule): string[] {
  const list = typeof age === "string" ? age.split(",") : (age ?? []);
  return list.map((recipient) => recipient.trim()).filter((recipient) => recipient !== "");
}

/**
 * Puts a new key before the present one and notes that the present one is being replaced. Comments, people's own keys and other
 * rules stay. Done already: nothing changes.
 */
export function beginRotation(directory: string, environment: string, next: string): void {
  const [present, ...others] = readRecipients(directory, environment) ?? [];
  if (present === undefined || present === next) return;
  changeRules(directory, environment, [next, present, ...others], (document) => {
    const rule = document.createNode({ path_regex: retiringPath(environment), age: present }) as YAMLMap;
    rule.commentBefore = ` The key that ${environment} had before, until "${npmRunIn(directory, "secrets", "rotate", "--age-key")}" has finished.`;
    return rule;
  });
}

/** Takes the key that is being replaced out of an environment's rule, and the note of it. */
export function endRotation(directory: string, environment: string): void {
  const retiring = readRetiringRecipient(directory, environment);
  if (retiring === undefined) return;
  const recipients = readRecipients(directory, environment) ?? [];
  changeRules(
    directory,
    environment,
    recipients.filter((recipient) => recipient !== retiring),
  );
}

/** Changes an environment's recipients and its note of a key that is being replaced, in one write. */
function changeRules(
  directory: string,
  environment: string,
  recipients: readonly string[],
  note?: (document: Document) => YAMLMap,
): void {
  const document = readDocument(directory);
  const rules = document?.get("creation_rules");
  if (!document || !isSeq(rules))
    throw new Error(`${shownPath(directory, SOPS_CONFIGURATION)} has no rule for ${environment}`);
  const patternOf = (rule: unknown): string => (isMap(rule) ? String(rule.get("path_regex") ?? "") : "");
  rules.items = rules.items.filter((rule) => patternOf(rule) !== retiringPath(environment));
  const own = rules.items.find((rule) => new RegExp(patternOf(rule)).test(examplePath(environment)));
  if (isMap(own)) own.set("age", recipients.join(","));
  if (note) rules.items.push(note(document));
  writeWhole(join(directory, SOPS_CONFIGURATION), document.toString({ lineWidth: 0 }));
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
      `${shownPath(directory, SOPS_CONFIGURATION)} is damaged (${error?.message ?? "it is no mapping"}): ${bringBack(directory, SOPS_CONFIGURATION)}`,
    );
  return document;
}
