import { isDeepStrictEqual } from "node:util";
import type { GitHubRepository } from "../config";
import { fetchPublicKey } from "./github-api";
import { deployKey, webhookPath } from "./private-files";
import { type PublishedSecrets, readPublished, writePublished } from "./published";
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

/**
 * Brings an environment's published secrets up to date before a deploy: seals what is new or has changed, or everything
 * when the repository's key has changed; makes the deploy key and the receiver's token on first use.
 * A secret that isn't set on this machine keeps the value that was sealed before.
 * @returns the names of the secrets that were sealed anew, and whether the published file was written
 * @throws Error when GitHub doesn't give the repository's public key
 */
export async function publishSecrets({
  directory,
  environment,
  github,
  variables,
}: PublishOptions): Promise<{ sealed: string[]; written: boolean }> {
  const before = readPublished(directory, environment);
  const publicKey = await fetchPublicKey(github, variables);
  const keyChanged = before?.publicKey.id !== publicKey.id || before.publicKey.key !== publicKey.key;
  const secrets: PublishedSecrets["secrets"] = keyChanged ? {} : { ...before?.secrets };
  const outdated = await Promise.all(
    Object.entries(PASSED_ON).map(async ([variable, name]) => {
      const value = variables[variable];
      const secretName = actionsSecretName(environment, name);
      const known = secrets[secretName];
      return value && !(known && (await matchesDigest(value, known.digest))) ? [{ secretName, value }] : [];
    }),
  );
  for (const { secretName, value } of outdated.flat()) {
    secrets[secretName] = { sealed: await seal(value, publicKey.key), digest: await digest(value) };
  }
  const published = {
    publicKey,
    secrets,
    deployKey: deployKey(directory, environment, before?.deployKey),
    webhookPath: webhookPath(directory, environment, before?.webhookPath),
  };
  const written = before === undefined || !isDeepStrictEqual(published, before);
  if (written) writePublished(directory, environment, published);
  return { sealed: outdated.flat().map(({ secretName }) => secretName), written };
}
