import { isDeepStrictEqual } from "node:util";
import type { GitHubRepository } from "../config";
import { shownPath } from "../place";
import { fetchPublicKey } from "./github-api";
import { deployKey, webhookPath } from "./private-files";
import { type PublishedSecrets, readPublished } from "./published";
import { digest, matchesDigest, seal } from "./seal";

/** Environment variables whose values CI needs, if they are set here, and their names as Actions secrets of an environment. */
export const PASSED_ON = {
  DIGITALOCEAN_TOKEN: "DIGITALOCEAN_TOKEN",
  SPACES_ACCESS_KEY_ID: "SPACES_ACCESS_KEY_ID",
  SPACES_SECRET_ACCESS_KEY: "SPACES_SECRET_ACCESS_KEY",
  // GitHub refuses names that start with GITHUB_.
  GITHUB_TOKEN: "PLATFORM_GITHUB_TOKEN",
} as const;

/** The name of an environment's Actions secret: `staging` and `DIGITALOCEAN_TOKEN` → `STAGING_DIGITALOCEAN_TOKEN`. */
export function actionsSecretName(environment: string, name: string): string {
  return `${environment.toUpperCase().replaceAll("-", "_")}_${name}`;
}

export interface PublishOptions {
  readonly directory: string;
  readonly environment: string;
  readonly github: GitHubRepository;
  readonly variables: Readonly<Record<string, string | undefined>>;
}

/** What an environment's published secrets would become. Nothing is written in secrets/ before somebody approves it. */
export interface Proposal {
  readonly environment: string;
  readonly published: PublishedSecrets;
  /** The names of the secrets that are sealed again. */
  readonly sealed: readonly string[];
  /** Whether anything differs from the file that is there. */
  readonly changes: boolean;
  /** GitHub has another public key for the repository than the values were sealed with. */
  readonly keyChanged: boolean;
}

/**
 * What an environment's published secrets would become by a deploy: it seals what is new or has changed, or everything when the
 * repository's key has changed, and makes the deploy key and the receiver's token on first use (in .secrets only).
 * A secret that isn't set on this machine keeps the value that was sealed before, but for a changed key: nobody can open that value any
 * more, and nothing is proposed. An environment's own variable (`STAGING_DIGITALOCEAN_TOKEN`) goes before the general one.
 * @throws Error when GitHub doesn't give the repository's public key, or has another one and a value that was sealed isn't set here
 */
export async function proposeSecrets({
  directory,
  environment,
  github,
  variables,
}: PublishOptions): Promise<Proposal> {
  const before = readPublished(directory, environment);
  const publicKey = await fetchPublicKey(github, variables);
  const keyChanged =
    before !== undefined && (before.publicKey.id !== publicKey.id || before.publicKey.key !== publicKey.key);
  if (keyChanged) requireValues(before, { directory, environment, github, variables });
  const secrets: PublishedSecrets["secrets"] = keyChanged ? {} : { ...before?.secrets };
  const outdated = await differing(environment, variables, secrets);
  for (const { secretName, value } of outdated)
    secrets[secretName] = { sealed: await seal(value, publicKey.key), digest: await digest(value) };
  const published = {
    publicKey,
    secrets,
    deployKey: deployKey(directory, environment, before?.deployKey),
    webhookPath: webhookPath(directory, environment, before?.webhookPath),
  };
  return {
    environment,
    published,
    sealed: outdated.map(({ secretName }) => secretName),
    changes: before === undefined || !isDeepStrictEqual(published, before),
    keyChanged,
  };
}

/** The names of an environment's secrets whose values here are others than those that were sealed, or were never sealed. Asks nobody. */
export async function differingSecrets({
  directory,
  environment,
  variables,
}: Omit<PublishOptions, "github">): Promise<string[]> {
  const secrets = readPublished(directory, environment)?.secrets ?? {};
  return (await differing(environment, variables, secrets)).map(({ secretName }) => secretName);
}

async function differing(
  environment: string,
  variables: PublishOptions["variables"],
  secrets: PublishedSecrets["secrets"],
): Promise<{ secretName: string; value: string }[]> {
  const outdated = await Promise.all(
    Object.entries(PASSED_ON).map(async ([variable, name]) => {
      const value = valueFor(variable, environment, variables);
      const secretName = actionsSecretName(environment, name);
      const known = secrets[secretName];
      return value && !(known && (await matchesDigest(value, known.digest))) ? [{ secretName, value }] : [];
    }),
  );
  return outdated.flat();
}

function valueFor(
  variable: string,
  environment: string,
  variables: PublishOptions["variables"],
): string | undefined {
  return variables[actionsSecretName(environment, variable)] || variables[variable];
}

/** Left out, they would be deleted at GitHub; kept, GitHub couldn't open them, and CI would get nothing or fail. */
function requireValues(
  { secrets }: PublishedSecrets,
  { directory, environment, github, variables }: PublishOptions,
): void {
  const settable = Object.entries(PASSED_ON).map(([variable, name]) => ({
    variable,
    secretName: actionsSecretName(environment, name),
  }));
  const lost = Object.keys(secrets).flatMap((secretName) => {
    const known = settable.find((one) => one.secretName === secretName);
    if (known === undefined) return [secretName];
    return valueFor(known.variable, environment, variables) ? [] : [`${secretName} (${known.variable})`];
  });
  if (lost.length === 0) return;
  const file = shownPath(directory, `secrets/${environment}.json`);
  throw new Error(
    `GitHub has a new public key for ${github.owner}/${github.repository}, so it can't open what ${file} holds, and these values are not set here to be sealed again: ${lost.join(", ")}. Nothing was changed. Put what stands in brackets into .env or the environment and deploy again, or deploy where they are set; a secret that isn't used any more can be taken out of ${file}`,
  );
}
