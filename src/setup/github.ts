import type { IncomingHttpHeaders } from "node:http";
import { gitHubAddressProblem, gitHubApi, gitHubHost } from "../api-client";
import { CONFIGURATION_FILE, EXAMPLE_OWNER } from "../config";
import { movedTo } from "../secrets/github-api";
import type { SetupContext } from "./context";
import type { TokenCheck } from "./digitalocean";
import { type Api, apiWith, objectIn } from "./requests";
import { settingOf } from "./settings";

const tokensPage = ({ settings }: Pick<SetupContext, "settings">): string =>
  `${gitHubHost(settings())}/settings/tokens`;

/**
 * Of a classic token. "repo" includes Actions secrets, environments, deploy keys and webhooks of a repository; "workflow" is needed to
 * push a branch that changes .github/workflows.
 */
const SCOPES = ["repo", "workflow"];
/** Harmless beside them: flux bootstrap reads an organisation's teams. */
const HARMLESS_SCOPES = ["read:org"];

/** A token that ends within so many days is reported: CI would stop in the middle of somebody's work. */
const EXPIRY_DAYS = 14;

/** What a fine-grained token has to be allowed to, and a request that is refused without it. */
const PERMISSIONS: ReadonlyArray<readonly [resource: string, permission: string]> = [
  ["actions/secrets/public-key", "Secrets"],
  ["environments", "Actions"],
  ["actions/variables?per_page=1", "Variables"],
  ["keys?per_page=1", "Administration"],
  ["hooks?per_page=1", "Webhooks"],
  ["contents", "Contents"],
];

/** Whether a token is valid, and may do what the GitHub stack and `flux bootstrap` do, or for a plan: read it. */
export async function checkGitHub(context: SetupContext, token: TokenCheck): Promise<void> {
  const { report, settings } = context;
  const { name, value, check } = token;
  const base = settingOf(settings(), "GITHUB_BASE_URL")?.value ?? "https://api.github.com";
  const unusable = gitHubAddressProblem(base);
  if (unusable) return report.finding("missing", "github-url", unusable.problem, unusable.fix);
  const api = apiWith("GitHub", gitHubApi({ GITHUB_BASE_URL: base }), value);
  const user = await api.get("user");
  const notChecked = (why: string): void =>
    report.finding("unchecked", check, `${name} is set but not checked: ${why}`);
  if (user.obstacle !== undefined) return notChecked(user.obstacle);
  if (user.status === 401)
    return report.finding(
      "missing",
      check,
      `${name} is not valid (expired, revoked or mistyped)`,
      `make a new one at ${tokensPage(context)} as docs/credentials.md says, and put it into .env`,
    );
  // 403: the token of an app, which is no user.
  if (user.status !== 200 && user.status !== 403) return notChecked(`GitHub answered ${user.status}`);
  checkExpiry(context, token, user.headers);
  const scopes = user.headers["x-oauth-scopes"];
  const isClassic = scopes !== undefined;
  if (isClassic) checkScopes(context, token, String(scopes));
  await checkRepository(context, token, api, isClassic);
}

function checkScopes(context: SetupContext, { name, check, readOnly }: TokenCheck, header: string): void {
  const { report } = context;
  const scopes = header.split(/[\s,]+/).filter((scope) => scope !== "");
  const surplus = scopes.filter((scope) => ![...SCOPES, ...HARMLESS_SCOPES].includes(scope));
  if (readOnly) {
    report.finding(
      "warning",
      check.replace(/token$/, "scopes"),
      `${name} is a classic token (${scopes.join(", ") || "without scopes"}), and those that read a private repository also write to it: the code of a pull request runs with it`,
      "use a fine-grained token for this repository with read access only (docs/credentials.md)",
    );
    report.finding("ok", check, `${name} is valid`);
    return;
  }
  if (surplus.length > 0)
    report.finding(
      "warning",
      check.replace(/token$/, "scopes"),
      `${name} has scopes that nothing here needs: ${surplus.join(", ")}`,
      `take them away at ${tokensPage(context)}, or use a fine-grained token for this repository only (docs/credentials.md)`,
    );
  const lacking = SCOPES.filter((scope) => !scopes.includes(scope));
  if (lacking.length > 0)
    report.finding(
      "missing",
      check,
      `${name} lacks the scope: ${lacking.join(", ")}`,
      `add it to the token at ${tokensPage(context)}`,
    );
  else report.finding("ok", check, `${name} is valid and has the scopes repo and workflow`);
}

/** By the header that GitHub answers every token with an end with: "2026-12-24 18:00:00 UTC", or with an offset (+0100). */
function checkExpiry(context: SetupContext, { name, check }: TokenCheck, headers: IncomingHttpHeaders): void {
  const { report } = context;
  const [, day] = /^(\d{4}-\d\d-\d\d) /.exec(String(headers["github-authentication-token-expiration"])) ?? [];
  if (day === undefined) return;
  const today = new Date().toISOString().slice(0, 10);
  const days = Math.round((Date.parse(day) - Date.parse(today)) / 86_400_000);
  if (!(days <= EXPIRY_DAYS)) return;
  report.finding(
    "warning",
    check.replace(/token$/, "expiry"),
    `${name} ends on ${day}, in ${days} days`,
    `make a new one at ${tokensPage(context)}, put it into .env and deploy, which brings it to CI`,
  );
}

/** ` to acme/new`, where GitHub's answer leads to the new name. */
async function newName(api: Api, headers: Parameters<typeof movedTo>[0]): Promise<string> {
  const path = movedTo(headers);
  const found = path && objectIn<{ full_name: string }>(await api.get(path))?.full_name;
  return found ? ` to ${found}` : "";
}

async function checkRepository(
  context: SetupContext,
  token: TokenCheck,
  api: Api,
  isClassic: boolean,
): Promise<void> {
  const { report, facts } = context;
  const { owner, repository } = facts;
  const { name: tokenName } = token;
  const check = token.check.replace(/token$/, "repository");
  if (!facts.github || owner === undefined || repository === undefined || owner === EXAMPLE_OWNER)
    return report.finding(
      "unchecked",
      check,
      `${tokenName} is valid; access to the repository is not checked: the configuration doesn't name it yet`,
    );
  const name = `${owner}/${repository}`;
  const answer = await api.get(`repos/${name}`);
  if (answer.obstacle !== undefined)
    return report.finding("unchecked", check, `access to ${name} is not checked: ${answer.obstacle}`);
  switch (answer.status) {
    case 200:
      break;
    case 403:
      return report.finding(
        "missing",
        check,
        `${tokenName} is refused by ${name} (403)`,
        answer.headers["x-github-sso"] === undefined
          ? `see that the token may use the repositories of ${owner}`
          : `authorise the token for the single sign-on of ${owner} at ${tokensPage(context)}`,
      );
    case 404:
      return report.finding(
        "missing",
        check,
        `${name} doesn't exist, or ${tokenName} doesn't see it`,
        `create it at ${gitHubHost(context.settings())}/new, give the token access to it, or correct github.owner and github.repository in ${CONFIGURATION_FILE}`,
      );
    case 301:
      return report.finding(
        "missing",
        check,
        `${name} has moved${await newName(api, answer.headers)}`,
        `put its new name into ${CONFIGURATION_FILE}`,
      );
    default:
      return report.finding(
        "unchecked",
        check,
        `access to ${name} is not checked: GitHub answered ${answer.status}`,
      );
  }
  if (!isClassic) return checkPermissions(context, token, api, name);
  if (token.readOnly) return report.finding("ok", check, `${name} is there and ${tokenName} sees it`);
  const { permissions } = objectIn<{ permissions: { admin?: boolean } }>(answer) ?? {};
  if (permissions?.admin === true) report.finding("ok", check, `${name} is there and you administer it`);
  else
    report.finding(
      "missing",
      check,
      `you don't administer ${name}: environments, deploy keys and webhooks can't be set`,
      "ask its owner for the role Admin",
    );
}

async function checkPermissions(
  { report, settings }: SetupContext,
  { name, check, readOnly }: TokenCheck,
  api: Api,
  repository: string,
): Promise<void> {
  const answers = await Promise.all(
    PERMISSIONS.map(([resource]) => api.get(`repos/${repository}/${resource}`)),
  );
  const obstacle = answers.find((answer) => answer.obstacle !== undefined)?.obstacle;
  if (obstacle !== undefined)
    return report.finding(
      "unchecked",
      check,
      `${name} is valid, its permissions are not checked: ${obstacle}`,
    );
  const lacking = PERMISSIONS.filter((_, index) => {
    const answer = answers[index];
    return answer !== undefined && answer.obstacle === undefined && answer.status === 403;
  });
  if (lacking.length > 0)
    return report.finding(
      "missing",
      check,
      `${name} lacks permissions on ${repository}: ${lacking.map(([, permission]) => permission).join(", ")}`,
      `give it ${readOnly ? "read" : "read and write"} access to these at ${gitHubHost(settings())}/settings/personal-access-tokens`,
    );
  report.finding(
    "ok",
    check,
    readOnly
      ? `${name} is valid and reads ${repository} (that it can't write, only its permissions at GitHub show)`
      : `${name} is valid and reaches ${repository} (that it may write shows only when something is created)`,
  );
}
