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
const PAGES = /^(https:\/\/)(?=(?:github\.com|[a-z0-9-]+\.ghe\.com)\/$)/i;
const REST_PATH = /\/api\/v3\/*$/;
/** Where nobody can listen: the sandbox, for one, is there. */
const THIS_MACHINE = /^(?:localhost|127(?:\.\d+){3}|\[::1\])$/;

/** Whether an address can be asked: http(s), and nothing in it that would need quoting. */
export function isPlainUrl(value: string): boolean {
  return /^https?:\/\/[A-Za-z0-9_.:/~%[\]-]+$/i.test(value) && URL.canParse(value);
}

/** Why GITHUB_BASE_URL can't be used, and the fix; undefined when it can. */
export function gitHubAddressProblem(
  base: string,
): { readonly problem: string; readonly fix: string } | undefined {
  const fix = "write it as https://git.example.com/, or remove it for github.com";
  if (!isPlainUrl(base)) return { problem: "GITHUB_BASE_URL is not an http(s) address", fix };
  const { protocol, hostname } = new URL(base);
  return protocol === "https:" || THIS_MACHINE.test(hostname)
    ? undefined
    : {
        problem: "GITHUB_BASE_URL begins with http: and would send GITHUB_TOKEN unencrypted",
        fix,
      };
}

/**
 * The address of GitHub's REST API, with a slash at the end. GITHUB_BASE_URL of a GitHub Enterprise Server may be `https://host/`, as
 * Terraform's provider wants it, or `https://host/api/v3/`, as GitHub's own documentation writes it.
 * @throws Error with the reason and the fix when GITHUB_BASE_URL can't be used
 */
export function gitHubApi({ GITHUB_BASE_URL }: Variables): string {
  const root = gitHubProviderAddress(GITHUB_BASE_URL || "https://api.github.com/");
  return AT_ROOT.test(new URL(root).hostname) ? root : `${root}api/v3/`;
}

/**
 * The address of GitHub's pages and repositories, without a slash at the end: `https://github.com`.
 * @throws Error with the reason and the fix when GITHUB_BASE_URL can't be used
 */
export function gitHubWeb(variables: Variables): string {
  const { protocol, host, hostname } = new URL(gitHubApi(variables));
  return `${protocol}//${AT_ROOT.test(hostname) ? host.replace(/^api\./, "") : host}`;
}

/** The host of GitHub's pages, as messages print it: `github.com`, and also where GITHUB_BASE_URL can't be used. */
export function gitHubHost({ GITHUB_BASE_URL }: Variables): string {
  const usable = GITHUB_BASE_URL && gitHubAddressProblem(GITHUB_BASE_URL) === undefined;
  return new URL(gitHubWeb(usable ? { GITHUB_BASE_URL } : {})).host;
}

/**
 * GITHUB_BASE_URL as Terraform's provider wants it: that appends `api/v3/` by itself, and takes the address of the pages of github.com
 * and ghe.com for a server with its API below it.
 * @throws Error with the reason and the fix when it can't be used
 */
export function gitHubProviderAddress(base: string): string {
  const unusable = gitHubAddressProblem(base);
  if (unusable) throw new Error(`${unusable.problem}: ${unusable.fix}`);
  return base.replace(REST_PATH, "").replace(/\/*$/, "/").replace(PAGES, "$1api.");
}
