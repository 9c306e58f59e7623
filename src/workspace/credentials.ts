import { gitHubHost } from "../api-client";
import { CONFIGURATION_FILE, EXAMPLE_OWNER, PLACEHOLDER_DOMAIN, type Project } from "../config";
import type { Variables } from "../terraform";

/** Thrown when something that the real clouds need is missing: everything at once, each with its fix. */
export class MissingPrerequisites extends Error {
  constructor(readonly missing: readonly string[]) {
    super(
      [
        "A deployment to DigitalOcean needs more than is there:",
        ...missing.map((line) => `  - ${line}`),
        "",
        "./setup.sh helps with all of it. To see everything work without an account: npm run demo",
      ].join("\n"),
    );
    this.name = "MissingPrerequisites";
  }
}

/** What to add where GITHUB_TOKEN is missing, and GH_TOKEN, which GitHub's own CLI reads, is not. */
export function ghTokenHint({ GITHUB_TOKEN, GH_TOKEN }: Variables): string {
  return !GITHUB_TOKEN && GH_TOKEN ? " (GH_TOKEN is set, but only GITHUB_TOKEN is read)" : "";
}

/** Names of a configuration that are still the example's, so that a deploy refuses them; `check` is the finding's stable name. */
export function exampleNames({
  domain,
  email,
  owner,
}: {
  readonly domain?: string;
  readonly email?: string;
  readonly owner?: string;
}): Array<{ readonly check: string; readonly problem: string; readonly fix: string }> {
  const found = [
    {
      check: "project-domain",
      is: domain === PLACEHOLDER_DOMAIN,
      problem: `project.domain in ${CONFIGURATION_FILE} is still ${PLACEHOLDER_DOMAIN}`,
      fix: "put your own domain there, and below it in the environments",
    },
    {
      check: "project-email",
      is: email?.endsWith(`@${PLACEHOLDER_DOMAIN}`),
      problem: `project.email in ${CONFIGURATION_FILE} is still ${email}`,
      fix: `put your own address there (Let's Encrypt refuses ${PLACEHOLDER_DOMAIN})`,
    },
    {
      check: "github-owner",
      is: owner === EXAMPLE_OWNER,
      problem: `github.owner in ${CONFIGURATION_FILE} is still ${EXAMPLE_OWNER}`,
      fix: 'put your GitHub user or organisation there, or leave "github" out',
    },
  ];
  return found.flatMap(({ is, ...name }) => (is ? [name] : []));
}

/**
 * What a deployment to the real clouds lacks, a line each: credentials, and names that are still the example's. Whether the
 * credentials are valid, only the clouds can say.
 * @param project absent when its configuration can't be read: then only what every project needs is looked for
 */
export function missingCredentials(project: Project | undefined, variables: Variables): string[] {
  const missing: string[] = [];
  const need = (names: readonly string[], what: string): void => {
    if (!names.some((name) => variables[name])) {
      const hint = names[0] === "GITHUB_TOKEN" ? ghTokenHint(variables) : "";
      missing.push(`${names[0]} is not set${hint}: ${what}`);
    }
  };
  need(
    ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"],
    "a token with the custom scopes in docs/credentials.md from cloud.digitalocean.com/account/api/tokens, in .env or the environment",
  );
  if (project === undefined || project.github) {
    need(
      ["GITHUB_TOKEN"],
      `a token as docs/credentials.md says (fine-grained, or classic with the scopes repo and workflow) from ${gitHubHost(variables)}/settings/tokens, in .env or the environment (or leave "github" out of the configuration)`,
    );
  }
  if (project?.state.backend === "spaces") {
    need(
      ["SPACES_ACCESS_KEY_ID", "AWS_ACCESS_KEY_ID"],
      "the key of the Spaces bucket with the Terraform state",
    );
    need(["SPACES_SECRET_ACCESS_KEY", "AWS_SECRET_ACCESS_KEY"], "the secret of that key");
  }
  const names = { domain: project?.domain, email: project?.email, owner: project?.github?.owner };
  for (const { problem, fix } of exampleNames(names)) missing.push(`${problem}: ${fix}`);
  return missing;
}
