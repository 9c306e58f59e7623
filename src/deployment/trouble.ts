import type { Diagnostic } from "../terraform";
import type { Continuation } from "./failure";

/** An API's answer as the providers' Go clients write it: `GET https://api.digitalocean.com/v2/…: 401 …`. */
const ANSWER = /\b(?:GET|HEAD|POST|PUT|PATCH|DELETE) "?(https?:\/\/[^\s"]+?)"?: (\d{3})\b/;

/** A connection that was never made, and where to: Go's words for it. */
const UNREACHABLE =
  /connection refused|no such host|network is unreachable|no route to host|proxyconnect|x509: |tls: failed to verify/i;
const ADDRESS = /"(https?:\/\/[^"\s]+)"|dial (?:tcp|udp)6? ([\w.:[\]-]+)/;

/** Trouble that passes by itself, after the provider has tried several times. */
const USED_UP = /\b429\b|rate limit|too many requests/i;
const AT_THEIR_SIDE =
  /: 50[0234]\b|Internal error occurred|Client\.Timeout|context deadline exceeded|i\/o timeout|connection reset|EOF$/i;

/** A 403 for what the token may not do, among those for what nobody may do now (a VPC with members). */
const NOT_ALLOWED =
  /not authorized|unauthorized|not accessible by|forbidden|must have admin|insufficient|permission|missing required scope/i;

/** What to do about an error that its own words don't say: who was asked, with what; undefined where nothing is known. */
export function adviceOn(
  { summary, detail, address = "" }: Pick<Diagnostic, "summary" | "detail" | "address">,
  next: Continuation,
): string | undefined {
  const text = `${summary}\n${detail}`;
  const [, url = "", status] = ANSWER.exec(text) ?? [];
  const service = serviceOf(url, address);
  if (USED_UP.test(text))
    return `It takes no more requests for the moment (429): wait a few minutes, then ${next} again.`;
  if (UNREACHABLE.test(text)) {
    const [, asked = "", dialled = ""] = ADDRESS.exec(text) ?? [];
    return unreachable(serviceOf(asked, address), asked ? new URL(asked).host : dialled, next);
  }
  if (status === "401" || /^(?:Error: )?Unauthorized$/m.test(text)) return INVALID[service];
  if (status === "403" ? NOT_ALLOWED.test(text) : / is forbidden: /.test(text)) return REFUSED[service];
  if (AT_THEIR_SIDE.test(text))
    return `That is at their side, or on the way there: ${next} again in a few minutes.`;
  return undefined;
}

/** Why Go made no connection, as `setup.sh` would put it; its own words have ports and orders that differ in each run. */
const NO_CONNECTION: ReadonlyArray<readonly [RegExp, string]> = [
  [
    /no such host|server misbehaving|name resolution|lookup \S+.*(?:connection refused|i\/o timeout|unreachable)/i,
    "its address can't be resolved",
  ],
  [
    /connection refused|proxyconnect|network is unreachable|no route to host|connection reset/i,
    "no connection",
  ],
  [/i\/o timeout|Client\.Timeout|deadline exceeded|TLS handshake timeout/i, "no answer in time"],
  [/x509: |tls: /i, "no secure connection"],
];

/**
 * What `terraform init` says for each provider when nothing of it can be downloaded, in one line that is the same in all stacks;
 * undefined where something else went wrong, too.
 * @param output what it printed, broken into lines anywhere
 */
export function unreachableRegistry(output: string, next: Continuation): string | undefined {
  const errors = output
    .split(/^(?:[│|] *)?Error: /m)
    .slice(1)
    .map((error) => error.replace(/\s+[│|]?\s*/g, " "));
  const causes = errors.map((error) => {
    const host = /could not connect to ([\w.-]+)/.exec(error)?.[1] ?? hostIn(error);
    const reason = NO_CONNECTION.find(([words]) => words.test(error))?.[1];
    return host === undefined || reason === undefined ? undefined : `${host} can't be reached (${reason})`;
  });
  if (causes.length === 0 || causes.includes(undefined)) return undefined;
  const all = [...new Set(causes)].sort().join(", ");
  return `Terraform can't get what it needs: ${all}. Is there a network? Check it, and a proxy (HTTPS_PROXY). Then ${next} again.`;
}

function hostIn(error: string): string | undefined {
  const url = /"(https?:\/\/[^"\s]+)"/.exec(error)?.[1];
  return url !== undefined && URL.canParse(url) ? new URL(url).host : undefined;
}

type Service = "DigitalOcean" | "GitHub" | "Kubernetes" | "unknown";

function serviceOf(url: string, address: string): Service {
  const type = address.replace(/^data\./, "");
  if (type.startsWith("digitalocean_") || url.includes("digitalocean")) return "DigitalOcean";
  if (type.startsWith("github_") || url.includes("github")) return "GitHub";
  return type.startsWith("kubernetes_") ? "Kubernetes" : "unknown";
}

const INVALID: Readonly<Record<Service, string>> = {
  DigitalOcean:
    "DIGITALOCEAN_TOKEN is not valid: expired, revoked or mistyped. Make a new one at cloud.digitalocean.com/account/api, and put it into .env.",
  GitHub:
    "GITHUB_TOKEN is not valid: expired, revoked or mistyped. Make a new one in the developer settings of your account at GitHub, and put it into .env.",
  Kubernetes:
    "The cluster doesn't accept its credentials. Each plan reads them again: deploy again. If it stays, look at the cluster in DigitalOcean's control panel.",
  unknown: "The token for it is not valid: expired, revoked or mistyped.",
};

const REFUSED: Readonly<Record<Service, string>> = {
  DigitalOcean: "DIGITALOCEAN_TOKEN may not do this. docs/credentials.md lists the scopes that it needs.",
  GitHub: "GITHUB_TOKEN may not do this. docs/credentials.md lists the scopes or permissions that it needs.",
  Kubernetes:
    "The cluster's credentials may not do this. They belong to DIGITALOCEAN_TOKEN: docs/credentials.md lists the scopes that it needs.",
  unknown: "The token for it may not do this: docs/credentials.md lists what it needs.",
};

const ADDRESS_VARIABLE: Partial<Record<Service, string>> = {
  DigitalOcean: ", and DIGITALOCEAN_API_URL if it is set",
  GitHub: ", and GITHUB_BASE_URL if it is set",
};

function unreachable(service: Service, host: string, next: Continuation): string {
  const who = service === "unknown" ? "It" : service === "Kubernetes" ? "The cluster" : service;
  return `${who} can't be reached${host ? ` at ${host}` : ""}. Check the network, a proxy (HTTPS_PROXY)${ADDRESS_VARIABLE[service] ?? ""}. Then ${next} again.`;
}
