import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { redact } from "../../src/redaction";
import type { ApplicationSecret } from "../../src/secrets/application-secret";
import { applicationSecrets } from "../../src/secrets/applications";
import { newWebhookToken } from "../../src/secrets/private-files";
import { makeValues } from "../../src/secrets/secret-values";
import { REPOSITORY } from "../support/example";

const DECLARATIONS = join(REPOSITORY, "src", "secrets", "applications");
const named = applicationSecrets.map((secret) => [`${secret.namespace}/${secret.name}`, secret] as const);

test("every declaration in src/secrets/applications is collected", () => {
  const files = readdirSync(DECLARATIONS).filter((file) => file !== "index.ts");
  const declared = files.flatMap((file) =>
    Object.values(require(join(DECLARATIONS, file)) as Record<string, unknown>)
      .filter(Array.isArray)
      .flat(),
  );
  expect(files.length).toBeGreaterThan(4);
  expect(new Set(applicationSecrets)).toEqual(new Set(declared));
});

test("a random value and a webhook's token are concealed from the moment that they are made", () => {
  const secret: ApplicationSecret = {
    folder: "flux/apps/x",
    name: "x",
    namespace: "x",
    values: { password: { random: "hex", bytes: 16 } },
  };
  const { password } = makeValues(
    secret,
    {},
    {
      directory: "/nowhere",
      environment: "staging",
      variables: {},
    },
  );
  const token = newWebhookToken();
  expect(redact(`cannot write ${password} and ${token}`)).toBe("cannot write *** and ***");
});

test("no two secrets have the same file or the same name in a namespace", () => {
  const files = applicationSecrets.map(({ folder, name }) => `${folder}/${name}`);
  expect(files.filter((file, index) => files.indexOf(file) !== index)).toEqual([]);
  const names = named.map(([name]) => name);
  expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
});

test.each(named)("%s can be made, with names that Kubernetes takes, in folders that exist", (_, secret) => {
  expect(secret.name).toMatch(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/);
  for (const key of Object.keys(secret.values)) expect(key).toMatch(/^[-._a-zA-Z0-9]{1,253}$/);
  const variables = Object.fromEntries(
    Object.values(secret.values).flatMap((value) => ("variable" in value ? [[value.variable, "given"]] : [])),
  );
  const existing = Object.fromEntries(
    Object.entries(secret.values).flatMap(([key, value]) => ("privateFile" in value ? [[key, "token"]] : [])),
  );
  const made = makeValues(secret, existing, { directory: "/nowhere", environment: "staging", variables });
  for (const value of Object.values(made)) expect(value).not.toBe("");
  for (const environment of ["staging", "production"])
    expect(existsSync(join(REPOSITORY, secret.folder, environment, "secrets", "kustomization.yaml"))).toBe(
      true,
    );
});

test.each(named)("%s has random values of 128 bits at least", (_, { values }) => {
  for (const value of Object.values(values))
    if ("random" in value) expect(value.bytes).toBeGreaterThanOrEqual(16);
});
