import http from "node:http";
import https from "node:https";
import type { GitHubRepository } from "../config";

/** The repository's public key for Actions secrets. */
export interface RepositoryPublicKey {
  readonly id: string;
  /** base64 */
  readonly key: string;
}

const TIMEOUT_MS = 15_000;

type Variables = Readonly<Record<string, string | undefined>>;

/**
 * Asks GitHub for the public key that a repository's Actions secrets are sealed with. The address and the token are read
 * from GITHUB_BASE_URL and GITHUB_TOKEN, the variables that Terraform's provider reads too.
 * @throws Error that says what was asked, what came back and what to do
 */
export async function fetchPublicKey(
  { owner, repository }: Pick<GitHubRepository, "owner" | "repository">,
  variables: Variables,
): Promise<RepositoryPublicKey> {
  const response = await ask(`repos/${owner}/${repository}/actions/secrets/public-key`, variables);
  if (response.status !== 200)
    throw new Error(`GitHub refused the public key of ${owner}/${repository}: ${refusal(response.status)}`);
  const { key_id: id, key } = JSON.parse(response.body) as { key_id?: string; key?: string };
  if (!id || !key)
    throw new Error(
      `GitHub's answer for the public key of ${owner}/${repository} has no key (${response.url})`,
    );
  return { id: String(id), key };
}

/** Whether an owner is a person and not an organisation. */
export async function isGitHubUser(owner: string, variables: Variables): Promise<boolean> {
  const response = await ask(`users/${owner}`, variables);
  if (response.status !== 200)
    throw new Error(
      `GitHub knows no user or organisation ${owner} (${response.status}): check github.owner in the configuration`,
    );
  return (JSON.parse(response.body) as { type?: string }).type === "User";
}

interface Answer {
  readonly status: number;
  readonly url: string;
  readonly body: string;
}

/** A GET by Node's plain client: `fetch` takes 30 ms to load, at every deploy. */
async function ask(path: string, variables: Variables): Promise<Answer> {
  const url = (variables.GITHUB_BASE_URL || "https://api.github.com/").replace(/\/*$/, "/") + path;
  const headers = {
    accept: "application/vnd.github+json",
    "user-agent": "hybrid-gitops",
    ...(variables.GITHUB_TOKEN ? { authorization: `Bearer ${variables.GITHUB_TOKEN}` } : {}),
  };
  const client = url.startsWith("http:") ? http : https;
  return new Promise((resolve, reject) => {
    const unreachable = (error: Error): void =>
      reject(
        new Error(`GitHub can't be reached (${url}): ${error.message}. Check the network and try again.`),
      );
    const request = client.get(url, { headers, timeout: TIMEOUT_MS, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        body += part;
      });
      response
        .once("error", unreachable)
        .once("end", () => resolve({ status: response.statusCode ?? 0, url, body }));
    });
    request.once("timeout", () => request.destroy(new Error(`no answer within ${TIMEOUT_MS / 1000} s`)));
    request.once("error", unreachable);
  });
}

function refusal(status: number): string {
  if (status === 401) return "401, GITHUB_TOKEN is not valid. Make a new token and put it into .env.";
  if (status === 403)
    return '403, GITHUB_TOKEN may not read it (or its rate limit is used up). It needs the scope "repo", or "Secrets: read and write".';
  if (status === 404)
    return "404, the repository doesn't exist or GITHUB_TOKEN doesn't see it. Check github.owner and github.repository in the configuration.";
  return `${status}. Try again later.`;
}
