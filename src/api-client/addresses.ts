type Variables = Readonly<Record<string, string | undefined>>;

/** The address of DigitalOcean's API, without a slash at the end. */
export function digitalOceanApi({ DIGITALOCEAN_API_URL }: Variables): string {
  return (DIGITALOCEAN_API_URL || "https://api.digitalocean.com").replace(/\/*$/, "");
}

/** The token for DigitalOcean's API, under either of the names that the provider reads. */
export function digitalOceanToken(variables: Variables): string | undefined {
  return variables.DIGITALOCEAN_TOKEN || variables.DIGITALOCEAN_ACCESS_TOKEN;
}

/** The address of GitHub's REST API, with a slash at the end. */
export function gitHubApi({ GITHUB_BASE_URL }: Variables): string {
  return (GITHUB_BASE_URL || "https://api.github.com/").replace(/\/*$/, "/");
}
