import { join } from "node:path";
import { gitHubHost } from "../api-client";
import { concealValues } from "../redaction";
import { sharedWithPlans } from "../secrets/shared-tokens";
import { actionsSecretName } from "../secrets/tokens";
import { foreignToTokens, ghTokenHint, setDotenv } from "../workspace";
import type { SetupContext } from "./context";
import { checkDigitalOcean, type TokenCheck } from "./digitalocean";
import { checkGitHub } from "./github";
import type { Api } from "./requests";
import { isUnreadable, type Setting, settingOf, settingsOf } from "./settings";

const DIGITALOCEAN = ["DIGITALOCEAN_TOKEN", "DIGITALOCEAN_ACCESS_TOKEN"] as const;

const FIX_DIGITALOCEAN =
  "make one with the custom scopes in docs/credentials.md at cloud.digitalocean.com/account/api/tokens and put it into .env";
const fixGitHub = ({ settings }: SetupContext): string =>
  `make one as docs/credentials.md says (fine-grained, or classic with the scopes repo and workflow) at ${gitHubHost(settings())}/settings/tokens and put it into .env (or leave "github" out of the configuration)`;

/** Which credentials this configuration needs, whether they are set, and what they may do. */
export async function checkCredentials(context: SetupContext): Promise<Api | undefined> {
  const { report, facts, settings } = context;
  const environments = environmentsOf(context);
  const digitalOcean = await checkToken(
    context,
    DIGITALOCEAN,
    "digitalocean-token",
    FIX_DIGITALOCEAN,
    (token) => checkDigitalOcean(context, token),
  );
  for (const own of ownTokens(settings(), environments, "DIGITALOCEAN_TOKEN"))
    await checkSetting(context, own, (token) => checkDigitalOcean(context, token));
  if (facts.github === false)
    report.finding("ok", "github-token", 'GITHUB_TOKEN is not needed: the configuration has no "github"');
  else if (facts.github === undefined && !settings().GITHUB_TOKEN)
    report.finding(
      "unchecked",
      "github-token",
      "whether GITHUB_TOKEN is needed shows when the configuration can be read",
    );
  else {
    await checkToken(context, ["GITHUB_TOKEN"], "github-token", fixGitHub(context), (token) =>
      checkGitHub(context, token),
    );
    for (const own of ownTokens(settings(), environments, "GITHUB_TOKEN"))
      await checkSetting(context, own, (token) => checkGitHub(context, token));
  }
  return digitalOcean;
}

const environmentsOf = ({ project }: Pick<SetupContext, "project">): string[] =>
  project?.environments.map(({ name }) => name) ?? [];

/** The tokens that environments have of their own, unless they are the general one under another name. */
function ownTokens(
  settings: ReturnType<SetupContext["settings"]>,
  environments: readonly string[],
  name: string,
): Setting[] {
  const [general] = settingsOf(settings, [], name);
  return settingsOf(settings, environments, name).filter(
    (own) => own.name !== name && own.value !== general?.value,
  );
}

/** `STAGING_DIGITALOCEAN_TOKEN` is checked as staging-digitalocean-token. */
const checkName = (name: string): string => name.toLowerCase().replaceAll("_", "-");

async function checkToken<T>(
  context: SetupContext,
  names: readonly [string, ...string[]],
  check: string,
  fix: string,
  probe: (token: TokenCheck) => Promise<T>,
): Promise<T | undefined> {
  const setting = settingOf(context.settings(), ...names);
  if (setting !== undefined) return checkSetting(context, setting, probe, check);
  if (names.some((name) => isUnreadable(context, name))) return undefined;
  const hint = check === "github-token" ? ghTokenHint(context.settings()) : "";
  context.report.finding("missing", check, `${names[0]} is not set${hint}`, fix);
  return undefined;
}

async function checkSetting<T>(
  { report }: SetupContext,
  { name, value }: Setting,
  probe: (token: TokenCheck) => Promise<T>,
  check = checkName(name),
): Promise<T | undefined> {
  const foreign = foreignToTokens(value);
  if (foreign === undefined) return probe({ name, value, check });
  report.finding(
    "missing",
    check,
    `${name} has a character that no token has: ${foreign}`,
    "copy it again, without anything around it",
  );
  return undefined;
}

/** At a terminal: asks for what is missing and keeps it in .env. */
export async function askForCredentials(context: SetupContext): Promise<void> {
  const { options, facts } = context;
  if (!options.ask) return;
  await askForCredential(context, DIGITALOCEAN);
  if (facts.github) await askForCredential(context, ["GITHUB_TOKEN"]);
}

/** A shorter text is a word, such as an answer to another question. */
const LEAST_TOKEN = 8;

async function askForCredential(
  { directory, settings, questions, report }: SetupContext,
  names: readonly [string, ...string[]],
): Promise<void> {
  if (settingOf(settings(), ...names) !== undefined) return;
  if (names.some((name) => isUnreadable({ directory }, name))) return;
  const [name] = names;
  const value = await questions.unseen(`  ${name} (not shown; Enter leaves it out): `);
  if (value === "") return;
  concealValues([value]);
  const foreign = foreignToTokens(value);
  if (foreign !== undefined) report.progress(`That has a character that no token has: ${foreign}; left out.`);
  else if (value.length < LEAST_TOKEN) report.progress("That is too short for a token; left out.");
  else {
    setDotenv(join(directory, ".env"), { [name]: value });
    report.changed(`${name} is in .env now`);
  }
}

/** What a plan in CI reads with. */
const PLAN_TOKENS = [
  { plan: "PLAN_DIGITALOCEAN_TOKEN", probe: checkDigitalOcean },
  { plan: "PLAN_GITHUB_TOKEN", probe: checkGitHub },
] as const;

/** The key of the states' bucket that a plan reads with: both halves. */
const PLAN_KEY = ["PLAN_SPACES_ACCESS_KEY_ID", "PLAN_SPACES_SECRET_ACCESS_KEY"] as const;

/**
 * The read-only tokens that the plan of a pull request runs with. The code of the pull request sees them, so that they must not be able to
 * change anything. Without them there is no plan in a pull request, and everything else works.
 */
export async function checkPlanCredentials(context: SetupContext): Promise<void> {
  const { report, facts, settings } = context;
  if (!facts.github) return;
  const environments = environmentsOf(context);
  const missing: string[] = [];
  const miss = (name: string): void => void (isUnreadable(context, name) || missing.push(name));
  const shared = sharedWithPlans(environments, settings());
  const sameAs = (name: string): string | undefined =>
    shared.find(({ plan }) => plan === name)?.others.join(" and ");
  for (const { plan, probe } of PLAN_TOKENS) {
    const found = settingsOf(settings(), environments, plan);
    if (!coversAll(found, plan, environments)) miss(plan);
    for (const { name, value } of distinct(found)) {
      const same = sameAs(name);
      if (same !== undefined)
        report.finding(
          "missing",
          checkName(name),
          `${name} is the same token as ${same}: the code of a pull request could do with it what that is for`,
          `make a read-only token for plans (docs/credentials.md#plan-tokens), and put it into .env as ${name}`,
        );
      else
        await checkSetting(
          context,
          { name, value },
          (token) => probe(context, { ...token, readOnly: true }) as Promise<unknown>,
        );
    }
  }
  if (facts.backend === "spaces")
    for (const name of PLAN_KEY) {
      const found = settingsOf(settings(), environments, name);
      if (!coversAll(found, name, environments)) miss(name);
      for (const one of found.filter((each) => sameAs(each.name) !== undefined))
        report.finding(
          "warning",
          checkName(one.name),
          `${one.name} is the same as ${sameAs(one.name)}: the code of a pull request could overwrite the states with it`,
          "make a key with read access to the bucket only (docs/credentials.md#plan-tokens)",
        );
    }
  if (missing.length > 0)
    report.finding(
      "warning",
      "plan-tokens",
      `pull requests get no plan: ${missing.join(", ")} ${missing.length === 1 ? "is" : "are"} not set`,
      "make read-only tokens (docs/credentials.md#plan-tokens), put them into .env and deploy, which brings them to CI",
    );
}

/** Whether every environment finds a value, under the general name or its own. */
function coversAll(found: readonly Setting[], name: string, environments: readonly string[]): boolean {
  const names = found.map((one) => one.name);
  return (
    names.includes(name) ||
    (environments.length > 0 &&
      environments.every((environment) => names.includes(actionsSecretName(environment, name))))
  );
}

function distinct(settings: readonly Setting[]): Setting[] {
  return settings.filter(({ value }, index) => settings.findIndex((one) => one.value === value) === index);
}
