type Variables = Readonly<Record<string, string | undefined>>;

/** The address of DigitalOcean's API, without a slash at the end. */
export function digitalOceanApi({ DIGITALOCEAN_API_URL }: Variables): string {
  return (DIGITALOCEAN_API_URL || "https://api.digitalocean.com").replace(/\/*$/, "");
}

/** The token for DigitalOcean's API, under either of the names that the provider reads. */
export function digitalOceanToken(variables: Variables): string | undefined {
  return variables.DIGITALOCEAN_TOKEN || variables.DIGITALOCEAN_ACCESS_TOKEN;
}

/** github.com, and GitHub Enterprise Cloud with data residency: their API is at the root of its host. */
const AT_ROOT = /^api\.github\.com$|\.ghe\.com$/;
const PAGES = /^(https?:\/\/)(?=(?:github\.com|[a-z0-9-]+\.ghe\.com)\/$)/i;
const REST_PATH = /\/api\/v3\/*$/;

/**
 * The address of GitHub's REST API, with a slash at the end. GITHUB_BASE_URL of a GitHub Enterprise Server may be `https://host/`, as
 * Terraform's provider wants it, or `https://host/api/v3/`, as GitHub's own documentation writes it.
 */
export function gitHubApi({ GITHUB_BASE_URL }: Variables): string {
  const base = GITHUB_BASE_URL || "https://api.github.com/";
  const root = gitHubProviderAddress(base);
  return AT_ROOT.test(hostOf(root)) ? root : `${root}api/v3/`;
}

/** The address of GitHub's pages and repositories, without a slash at the end: `https://github.com`. */
export function gitHubWeb(variables: Variables): string {
  const { protocol, host, hostname } = new URL(gitHubApi(variables));
  return `${protocol}//${AT_ROOT.test(hostname) ? host.replace(/^api\./, "") : host}`;
}

/**
 * GITHUB_BASE_URL as Terraform's provider wants it: that appends `api/v3/` by itself, and takes the address of the pages of github.com
 * and ghe.com for a server with its API below it.
 */
export function gitHubProviderAddress(base: string): string {
  return base.replace(REST_PATH, "").replace(/\/*$/, "/").replace(PAGES, "$1api.");
}

function hostOf(url: string): string {
  try {
    return new URL(url).hostname;
  } catch {
    return "";
  }
}
