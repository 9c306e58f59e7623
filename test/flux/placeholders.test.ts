import { replacementsFor } from "../../src/flux";
import { exampleProject } from "../support/example";

const own = exampleProject((document) => {
  document.project = { name: "acme", domain: "acme.dev", email: "ops@acme.dev" };
  document.environments[0].domain = "stage.acme.dev";
  document.environments[1].domain = "acme.dev";
  document.github = { owner: "acme-inc", repository: "platform" };
});
const values = Object.fromEntries(replacementsFor(own).map(({ placeholder, value }) => [placeholder, value]));

/** Hosts below an environment's domain, beside those that are spelled out. */
const hosts = (placeholder: string, value: string) =>
  Object.fromEntries(
    [
      "flux",
      "chatbox",
      "fade",
      ...["api", "ws", "monitoring", "grafana"].map((name) => `${name}.traversion`),
    ].map((label) => [`${label}.${placeholder}`, `${label}.${value}`]),
  );

test("every documented placeholder gets its value", () => {
  expect(values).toStrictEqual({
    "example.com": "acme.dev",
    "registry.example.com": "ghcr.io/acme-inc",
    "my-github-user/my-repository": "acme-inc/platform",
    ...hosts("example.com", "acme.dev"),
    ...hosts("staging.example.com", "stage.acme.dev"),
    "chat.example.com": "chat.acme.dev",
    "cloud.example.com": "cloud.acme.dev",
    "staging.example.com": "stage.acme.dev",
    "chat.staging.example.com": "chat.stage.acme.dev",
    "cloud.staging.example.com": "cloud.stage.acme.dev",
    "admin@example.com": "ops@acme.dev",
    "my-cluster": "acme-production",
    "my-cluster-staging": "acme-staging",
    "my-project": "acme",
  });
});

test("longer placeholders come before the ones they contain", () => {
  const placeholders = replacementsFor(own).map(({ placeholder }) => placeholder);
  placeholders.forEach((placeholder, index) => {
    for (const later of placeholders.slice(index + 1))
      expect(later.length).toBeLessThanOrEqual(placeholder.length);
  });
});

test("names of an environment that the configuration doesn't have follow from the project all the same", () => {
  const only = exampleProject((document) => {
    document.environments = [document.environments[0]];
    document.project.domain = "acme.dev";
    document.environments[0].domain = "stage.acme.dev";
  });
  const replacements = Object.fromEntries(
    replacementsFor(only).map(({ placeholder, value }) => [placeholder, value]),
  );
  expect(replacements["my-cluster"]).toBe("my-startup-production");
  expect(replacements["chat.example.com"]).toBe("chat.acme.dev");
});
