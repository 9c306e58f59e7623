import { openSecrets } from "../../secrets/inventory";
import type { PlacedObject } from "../objects";
import { databasesIn } from "../workloads";
import type { RuleContext } from "./context";
import { checkPlainValues, isDev, UNFINISHED } from "./plain-values";
import { OutcomeBuilder, type Place, type Rule, WHOLE_TREE } from "./rule";
import { references } from "./secret-references";
import { checkRecipients } from "./sops-recipients";
import { systemOf } from "./system-of";

/** No secret can be read in Git, and none that is needed is missing. */
export const secrets: Rule = {
  id: "secrets",
  title: "no secret in plain text, each encrypted for its environment, each that is used made by somebody",
  check(context) {
    const outcome = new OutcomeBuilder("secrets");
    for (const file of context.files) {
      const system = systemOf(file.file, context.kustomizations);
      if (!isDev(file.file)) {
        checkPlainText(outcome, { system, place: file.file }, file.manifests);
        const offset = file.text.search(UNFINISHED);
        const word = UNFINISHED.exec(file.text)?.[0];
        outcome.check(
          { system, place: offset < 0 ? file.file : file.placeOf(offset) },
          offset < 0,
          `${word} stands for a value that nobody has given`,
          "declare it in src/secrets/applications and run npm run secrets -- create, or write the value",
        );
      }
    }
    const inFiles = new Set(
      context.files.flatMap((file) =>
        file.manifests.flatMap((manifest) => (manifest?.kind === "Secret" ? manifest.metadata?.name : [])),
      ),
    );
    for (const placed of context.objects) {
      if (!inFiles.has(placed.object.metadata?.name)) checkGenerated(outcome, placed);
    }
    checkRecipients(outcome, context);
    checkDecryption(outcome, context);
    checkPlainValues(outcome, context);
    if (context.complete) checkReferences(outcome, context);
    return outcome;
  },
};

function checkPlainText(
  outcome: OutcomeBuilder,
  place: Place,
  manifests: ReadonlyArray<{ kind: string; sops?: unknown; metadata?: { name: string } } | undefined>,
): void {
  for (const manifest of manifests) {
    if (manifest?.kind !== "Secret") continue;
    outcome.check(
      place,
      manifest.sops !== undefined,
      `the Secret ${manifest.metadata?.name} is in plain text`,
      "declare it in src/secrets/applications and run npm run secrets -- create, which writes it encrypted; a value that was pushed is known and has to be replaced",
    );
  }
}

/** Kustomize can make a Secret of plain files. */
function checkGenerated(outcome: OutcomeBuilder, placed: PlacedObject): void {
  const { object, release } = placed;
  if (object.kind !== "Secret" || release !== undefined || isDev(placed.place)) return;
  outcome.check(
    placed,
    object.sops !== undefined,
    "is applied in plain text",
    "leave secretGenerator out, and let npm run secrets -- create write the Secret encrypted",
  );
}

function checkDecryption(
  outcome: OutcomeBuilder,
  { systems, hasCluster, declaredSecrets, environment }: RuleContext,
): void {
  for (const { name, file, path, manifest, objects } of systems) {
    const applied = objects.some(({ kind, sops }) => kind === "Secret" && sops !== undefined);
    // Those that npm run secrets is to write there.
    const declared = hasCluster
      ? declaredSecrets.filter(({ folder }) => path === `${folder}/${environment.name}`)
      : [];
    if (!applied && declared.length === 0) continue;
    const { provider, secretRef } = manifest.spec?.decryption ?? {};
    outcome.check(
      { system: name, place: file },
      provider === "sops" && secretRef?.name !== undefined,
      applied
        ? "applies encrypted Secrets and doesn't decrypt them"
        : `is to apply encrypted Secrets (${declared.map((secret) => secret.name).join(", ")}) and doesn't decrypt them`,
      "add spec.decryption: { provider: sops, secretRef: { name: sops-age } }",
    );
  }
}

function checkReferences(outcome: OutcomeBuilder, context: RuleContext): void {
  const made = madeSecrets(context);
  const declared = new Set(context.declaredSecrets.map(({ namespace, name }) => `${namespace}/${name}`));
  const told = new Set<string>();
  const keys = keysOfSecrets(context);
  for (const { at, namespace, name, field, keys: wanted } of references(context)) {
    const id = `${namespace}/${name}`;
    for (const key of wanted) {
      const known = keys.get(id);
      if (!known) continue;
      outcome.check(
        at,
        known.has(key),
        `${field} names the key ${key} of the Secret ${id}, which has ${[...known].sort().join(", ")}`,
        "correct the key, or declare it in src/secrets/applications",
      );
    }
    // Once for each object, however many of its fields name it.
    if (told.has(`${at.place} ${id}`)) continue;
    told.add(`${at.place} ${id}`);
    outcome.check(
      at,
      made.has(id) || declared.has(id),
      `${field} names the Secret ${id}, which nothing makes`,
      "declare it in src/secrets/applications, or correct the name",
    );
  }
  const environment = context.environment.name;
  const names = notCreated(context);
  if (names.length === 0) return;
  const some = `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;
  outcome.note(
    WHOLE_TREE,
    `${names.length} ${names.length === 1 ? "secret is" : "secrets are"} not created yet in ${environment} (${some}): npm run secrets -- create --environment ${environment}`,
    true,
  );
}

/** The declared secrets that the cluster waits for, counted as every command does. A file that is no YAML has a finding of its own. */
function notCreated({ tree, environment, declaredSecrets, hasCluster }: RuleContext): string[] {
  if (!hasCluster) return [];
  const { directory } = tree;
  try {
    return openSecrets({ directory, environment: environment.name, declared: declaredSecrets, variables: {} })
      .map(({ namespace, name }) => `${namespace}/${name}`)
      .sort();
  } catch {
    return [];
  }
}

/** Secrets that exist before the tree is applied: of flux bootstrap, and the key for SOPS. */
const GIVEN = ["flux-system/flux-system", "flux-system/sops-age"];

/** Secrets in the tree, and those that operators make for objects in it. */
function madeSecrets({ objects }: RuleContext): Set<string> {
  const names = objects.flatMap(({ object }) => {
    const { kind, metadata, spec } = object;
    const within = (name: unknown): string[] =>
      typeof name === "string" ? [`${metadata?.namespace ?? "default"}/${name}`] : [];
    if (kind === "Secret") return within(metadata?.name);
    if (kind === "Certificate") return within(spec?.secretName);
    if (kind === "Cluster")
      return ["app", "superuser", "ca", "server", "replication"].flatMap((end) =>
        within(`${metadata?.name}-${end}`),
      );
    if (
      kind === "Ingress" &&
      Object.keys(metadata?.annotations ?? {}).some((key) => key.startsWith("cert-manager.io/"))
    )
      return (spec?.tls ?? []).flatMap(({ secretName }: { secretName?: string }) => within(secretName));
    return [];
  });
  return new Set([...GIVEN, ...names]);
}

/** What CloudNativePG writes into the Secret of a database's owner. */
const DATABASE_KEYS = [
  "dbname",
  "fqdn-jdbc-uri",
  "fqdn-uri",
  "host",
  "jdbc-uri",
  "password",
  "pgpass",
  "port",
  "uri",
  "user",
  "username",
];

/** The keys of Secrets, where they are known: of those that are declared, in the tree, or of a database. */
function keysOfSecrets({ objects, declaredSecrets }: RuleContext): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  const add = (id: string, keys: readonly string[]): void => {
    found.set(id, new Set([...(found.get(id) ?? []), ...keys]));
  };
  for (const { namespace, name, values } of declaredSecrets) add(`${namespace}/${name}`, Object.keys(values));
  for (const { object } of objects) {
    const { kind, metadata, data, stringData } = object;
    if (kind !== "Secret") continue;
    add(`${metadata?.namespace ?? "default"}/${metadata?.name}`, Object.keys({ ...data, ...stringData }));
  }
  for (const { object } of databasesIn(objects)) {
    const own = object.spec?.bootstrap?.initdb?.secret?.name;
    if (own === undefined)
      add(`${object.metadata?.namespace ?? "default"}/${object.metadata?.name}-app`, DATABASE_KEYS);
  }
  return found;
}
