import { type ApiAnswer, callApi, gitHubApi } from "../api-client";
import type { GitHubRepository } from "../config";

/** The repository's public key for Actions secrets. */
export interface RepositoryPublicKey {
  readonly id: string;
  /** base64 */
  readonly key: string;
}

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Asks GitHub for the public key that a repository's Actions secrets are sealed with, or those of one of its environments, which has a key
 * of its own. The address and the token are read from GITHUB_BASE_URL and GITHUB_TOKEN, the variables that Terraform's provider reads too.
 * @returns undefined for an environment that doesn't exist
 * @throws Error that says what was asked, what came back and what to do
 */
export async function fetchPublicKey(
  { owner, repository }: Pick<GitHubRepository, "owner" | "repository">,
  variables: Variables,
  environment?: string,
): Promise<RepositoryPublicKey | undefined> {
  const name = `${owner}/${repository}`;
  const path = environment === undefined ? "actions" : `environments/${encodeURIComponent(environment)}`;
  const response = await askGitHub(`repos/${name}/${path}/secrets/public-key`, variables);
  if (response.status === 404 && environment !== undefined) return undefined;
  if (response.status !== 200)
    throw new Error(`GitHub refused the public key of ${name}: ${await refusal(response, variables)}`);
  const { key_id: id, key } = JSON.parse(response.body) as { key_id?: string; key?: string };
  if (!id || !key)
    throw new Error(`GitHub's answer for the public key of ${name} has no key (${response.url})`);
  return { id: String(id), key };
}

/** Whether an owner is a person and not an organisation. */
export async function isGitHubUser(owner: string, variables: Variables): Promise<boolean> {
  const response = await askGitHub(`users/${owner}`, variables);
  if (response.status !== 200)
    throw new Error(
      `GitHub knows no user or organisation ${owner} (${response.status}): check github.owner in the configuration`,
    );
  return (JSON.parse(response.body) as { type?: string }).type === "User";
}

/** A GET of GitHub's API below its root, repeated while GitHub fails for the moment. */
export async function askGitHub(path: string, variables: Variables): Promise<ApiAnswer> {
  return callApi({
    service: "GitHub",
    url: gitHubApi(variables) + path,
    headers: { accept: "application/vnd.github+json" },
    token: variables.GITHUB_TOKEN,
  });
}

/**
 * Where GitHub's API has a repository that was renamed or transferred, below its root: `repositories/7`. Only the number is taken from the
 * answer, since the token is for the host that was asked.
 */
export function movedTo({ location }: ApiAnswer["headers"]): string | undefined {
  return /\/(repositories\/\d+)(?:[/?]|$)/.exec(location ?? "")?.[1];
}

/** Why GitHub refused, and what to do. */
export async function refusal(
  { status, headers }: Pick<ApiAnswer, "status" | "headers">,
  variables: Variables,
): Promise<string> {
  if (status === 301) {
    const path = movedTo(headers);
    const moved = path === undefined ? undefined : await askGitHub(path, variables);
    const name = moved?.status === 200 && (JSON.parse(moved.body) as { full_name?: string }).full_name;
    return `301, the repository was renamed or transferred${name ? ` to ${name}` : ""}. Put its new name into github.owner and github.repository in the configuration.`;
  }
  if (status === 401) return "401, GITHUB_TOKEN is not valid. Make a new token and put it into .env.";
  if (status === 403)
    return '403, GITHUB_TOKEN may not read it (or its rate limit is used up). It needs the scope "repo", or "Secrets: read and write".';
  if (status === 404)
    return "404, the repository doesn't exist or GITHUB_TOKEN doesn't see it. Check github.owner and github.repository in the configuration.";
  return `${status}. Try again later.`;
}
