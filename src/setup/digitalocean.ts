import { isPlainUrl } from "../api-client";
import type { SetupContext } from "./context";
import { type Api, apiWith } from "./requests";
import { type Setting, settingOf } from "./settings";

const DEFAULT_URL = "https://api.digitalocean.com";
const TOKENS_PAGE = "cloud.digitalocean.com/account/api/tokens";

/** Resources, and the names of their scopes, as cloud.digitalocean.com lists them. */
const RESOURCES: ReadonlyArray<readonly [resource: string, scope: string]> = [
  ["kubernetes/clusters", "kubernetes"],
  ["vpcs", "vpc"],
  ["projects", "project"],
  ["domains", "domain"],
];

/** Nothing here needs these: a token that reads them all may do more than it has to. */
const UNNEEDED: typeof RESOURCES = [
  ["apps", "app"],
  ["databases", "database"],
];

/** Something that a token is checked for. */
export interface TokenCheck extends Setting {
  /** The finding's name. */
  readonly check: string;
  /** A plan only reads. */
  readonly readOnly?: boolean;
}

/** DigitalOcean's API with a token. @returns undefined, and a finding, when its address is none */
export function digitalOceanApi(
  { settings, report }: Pick<SetupContext, "settings" | "report">,
  token: string,
): Api | undefined {
  const base = settingOf(settings(), "DIGITALOCEAN_API_URL")?.value ?? DEFAULT_URL;
  if (isPlainUrl(base)) return apiWith("DigitalOcean", base, token);
  report.finding(
    "missing",
    "digitalocean-url",
    "DIGITALOCEAN_API_URL is not an http(s) address",
    "correct or remove it",
  );
  return undefined;
}

/**
 * Whether a token is valid, and what it may read. Custom scopes go by resource, and a request without the scope is answered with 403.
 * @returns the API with a token that works
 */
export async function checkDigitalOcean(
  context: SetupContext,
  { name, value, check, readOnly = false }: TokenCheck,
): Promise<Api | undefined> {
  const { report, facts } = context;
  const api = digitalOceanApi(context, value);
  if (api === undefined) return undefined;
  const account = await api.get("v2/account");
  const notChecked = (why: string): undefined =>
    void report.finding("unchecked", check, `${name} is set but not checked: ${why}`);
  if (account.obstacle !== undefined) return notChecked(account.obstacle);
  if (account.status === 401) {
    report.finding(
      "missing",
      check,
      `${name} is not valid (expired, revoked or mistyped)`,
      `make a new one at ${TOKENS_PAGE} and put it into .env`,
    );
    return undefined;
  }
  // 403: a valid token without the scope account:read.
  if (account.status !== 200 && account.status !== 403)
    return notChecked(`DigitalOcean answered ${account.status}`);
  // The bucket of the states has a key of its own, which setup makes; a plan needs no more than to read.
  const needed: typeof RESOURCES =
    facts.backend === "spaces" && !readOnly ? [...RESOURCES, ["spaces/keys", "spaces_key"]] : RESOURCES;
  const answers = await Promise.all(needed.map(([resource]) => api.get(`v2/${resource}?per_page=1`)));
  const obstacle = answers.find((answer) => answer.obstacle !== undefined)?.obstacle;
  if (obstacle !== undefined) {
    report.finding("unchecked", check, `${name} is valid, its scopes are not checked: ${obstacle}`);
    return undefined;
  }
  const lacking = needed.filter((_, index) => {
    const answer = answers[index];
    return answer !== undefined && answer.obstacle === undefined && answer.status === 403;
  });
  if (lacking.length > 0) {
    report.finding(
      "missing",
      check,
      `${name} lacks access to: ${lacking.map(([, scope]) => scope).join(", ")}`,
      `make a token with the custom scopes in docs/credentials.md at ${TOKENS_PAGE}, and put it into .env`,
    );
    return undefined;
  }
  if (!readOnly) await checkBreadth(api, name, check, report);
  report.finding(
    "ok",
    check,
    readOnly
      ? `${name} is valid and reads what a plan needs (that it can't write, only its scopes at DigitalOcean show)`
      : `${name} is valid (that it may write shows only when something is created)`,
  );
  return api;
}

/** Whoever gets hold of a token with full access can delete everything of the team. */
async function checkBreadth(
  api: Api,
  name: string,
  check: string,
  report: SetupContext["report"],
): Promise<void> {
  for (const [resource] of UNNEEDED) {
    const answer = await api.get(`v2/${resource}?per_page=1`);
    // One of them alone may have come along with another scope.
    if (answer.obstacle !== undefined || answer.status !== 200) return;
  }
  report.finding(
    "warning",
    check.replace(/token$/, "scopes"),
    `${name} may do more than is needed: it also reads ${UNNEEDED.map(([, scope]) => scope).join(", ")}, as a token with full access does`,
    "make one with the custom scopes in docs/credentials.md instead",
  );
}
