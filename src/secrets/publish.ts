import { isDeepStrictEqual } from "node:util";
import type { GitHubRepository } from "../config";
import { listOf, shownPath } from "../place";
import { fetchPublicKey, type RepositoryPublicKey } from "./github-api";
import { deployKey, webhookPath } from "./private-files";
import { type PublishedSecrets, readPublished, type SealedValues } from "./published";
import { fetchRepositoryOffer, leftOut, type RepositoryOffer } from "./repository-offer";
import { digest, matchesDigest, seal } from "./seal";
import { sharedWithPlans } from "./shared-tokens";
import { actionsSecretName, PASSED_ON, PLANNED_WITH, valueFor } from "./tokens";

export interface PublishOptions {
  readonly directory: string;
  readonly environment: { readonly name: string; readonly reviewers: readonly string[] };
  readonly github: GitHubRepository;
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Whether keys that are made on first use are kept. Else a deploy makes others. */
  readonly keepsKeys: boolean;
}

/** What an environment's published secrets would become. Nothing is written in secrets/ before somebody approves it. */
export interface Proposal {
  readonly environment: string;
  readonly published: PublishedSecrets;
  /** The names of the secrets that are sealed again. */
  readonly sealed: readonly string[];
  /** Whether anything differs from the file that is there. */
  readonly changes: boolean;
  /** GitHub has another public key for the repository or the environment than the values were sealed with. */
  readonly keyChanged: boolean;
  /** Secrets of the environment that can be sealed as soon as GitHub has the environment, which gives it a key. */
  readonly waiting: readonly string[];
  /** What the repository's plan doesn't offer, in lines for people. */
  readonly leftOut: readonly string[];
}

/** A secret as it would be sealed: its variable, its name at GitHub and its value here. */
interface Secret {
  readonly variable: string;
  readonly name: string;
  readonly value: string | undefined;
}

/**
 * What an environment's published secrets would become by a deploy: it seals what is new or has changed, or everything of a key that has
 * changed, makes the deploy key and the receiver's token on first use (in .secrets only), and notes what GitHub offers the repository.
 * Deploy tokens are sealed for the GitHub environment, which has a key of its own and first has to exist, tokens of plans for the repository.
 * A secret that isn't set on this machine keeps the value that was sealed before, but for a changed key: nobody can open that value any
 * more, and nothing is proposed. An environment's own variable (`STAGING_DIGITALOCEAN_TOKEN`) goes before the general one.
 * @throws Error when GitHub doesn't answer, or a value has to be sealed again and isn't set here, or a plan would get another secret
 */
export async function proposeSecrets(options: PublishOptions): Promise<Proposal> {
  const { directory, github, variables, keepsKeys } = options;
  const environment = options.environment.name;
  const before = readPublished(directory, environment);
  const [deploying, planning] = [deploySecrets(environment, variables), planSecrets(environment, variables)];
  refuseSharedTokens(environment, variables);
  const [asked, repositoryKey] = await Promise.all([
    fetchRepositoryOffer(github, variables),
    fetchPublicKey(github, variables),
  ]);
  const offer = settledOffer(asked, before?.offer);
  const environmentKey = offer.environments
    ? await fetchPublicKey(github, variables, environment)
    : undefined;
  if (repositoryKey === undefined) throw new Error(`GitHub has no public key for ${github.repository}`);

  // Before deploy tokens were secrets of the environment, they stood among those of the repository.
  const planNames = planning.map(({ name }) => name);
  const former = Object.keys(before?.secrets ?? {}).filter((name) => !planNames.includes(name));
  const ofRepository = sealedBefore(before?.publicKey, repositoryKey, without(before?.secrets, former));
  const ofEnvironment = sealedBefore(
    before?.environment?.publicKey,
    environmentKey,
    before?.environment?.secrets,
  );
  const lost = [
    ...unsealable(ofRepository.lost, planning),
    ...unsealable(ofEnvironment.lost, deploying),
    ...(environmentKey === undefined ? [] : unsealable(formerNames(environment, former), deploying)),
  ];
  if (lost.length > 0) throw cannotSeal(lost, options);

  const repository = await sealAll(planning, ofRepository.kept, repositoryKey);
  const inEnvironment = environmentKey && (await sealAll(deploying, ofEnvironment.kept, environmentKey));
  const published: PublishedSecrets = {
    publicKey: repositoryKey,
    secrets: repository.secrets,
    ...(environmentKey && inEnvironment
      ? { environment: { publicKey: environmentKey, secrets: inEnvironment.secrets } }
      : {}),
    offer,
    deployKey: deployKey(directory, environment, before?.deployKey, keepsKeys),
    webhookPath: webhookPath(directory, environment, before?.webhookPath, keepsKeys),
  };
  return {
    environment,
    published,
    sealed: [...(inEnvironment?.sealed ?? []), ...repository.sealed],
    changes: before === undefined || !isDeepStrictEqual(published, before),
    keyChanged: ofRepository.keyChanged || ofEnvironment.keyChanged,
    waiting:
      offer.environments && environmentKey === undefined
        ? deploying.filter(({ value }) => value).map(({ name }) => name)
        : [],
    leftOut: leftOut(offer, options, before?.offer?.environments === true),
  };
}

/** The names of an environment's secrets whose values here are others than those that were sealed, or were never sealed. Asks nobody. */
export async function differingSecrets({
  directory,
  environment,
  variables,
}: Pick<PublishOptions, "directory" | "variables"> & { readonly environment: string }): Promise<string[]> {
  const published = readPublished(directory, environment);
  const outdated = await Promise.all([
    published?.offer?.environments === false
      ? []
      : differing(deploySecrets(environment, variables), published?.environment?.secrets),
    differing(planSecrets(environment, variables), published?.secrets),
  ]);
  return outdated.flat().map(({ name }) => name);
}

/** What counts as offered: who may not read the plan takes nothing back that a colleague found out. */
function settledOffer(asked: RepositoryOffer, before: RepositoryOffer | undefined): RepositoryOffer {
  const isUnknown = asked.visibility === "private" && asked.plan === undefined;
  return isUnknown && before?.visibility === "private" ? before : asked;
}

function deploySecrets(environment: string, variables: PublishOptions["variables"]): Secret[] {
  return Object.entries(PASSED_ON).map(([variable, name]) => ({
    variable,
    name,
    value: valueFor(variable, environment, variables),
  }));
}

function planSecrets(environment: string, variables: PublishOptions["variables"]): Secret[] {
  return Object.keys(PLANNED_WITH).map((variable) => ({
    variable,
    name: actionsSecretName(environment, variable),
    value: valueFor(variable, environment, variables),
  }));
}

/** A plan with another secret would hand that to the code of every pull request. */
function refuseSharedTokens(environment: string, variables: PublishOptions["variables"]): void {
  const shared = sharedWithPlans([environment], variables);
  if (shared.length === 0) return;
  const pairs = shared.map(({ plan, others }) => `${plan} has the value of ${listOf(others)}`);
  throw new Error(
    `${environment}: ${pairs.join(", ")}. Plans run the code of every pull request, which could then use it as well. Make a token that may only read (docs/credentials.md), or leave the variable empty.`,
  );
}

/** What stays of values that were sealed with a key, now that GitHub has this one; and the names of those that nobody can open any more. */
function sealedBefore(
  before: RepositoryPublicKey | undefined,
  key: RepositoryPublicKey | undefined,
  secrets: SealedValues = {},
): { readonly kept: SealedValues; readonly lost: readonly string[]; readonly keyChanged: boolean } {
  const keyChanged =
    before !== undefined && key !== undefined && (before.id !== key.id || before.key !== key.key);
  return keyChanged
    ? { kept: {}, lost: Object.keys(secrets), keyChanged }
    : { kept: secrets, lost: [], keyChanged };
}

/** What has to be sealed again and isn't set here. Left out it would be deleted at GitHub, and CI would get nothing or fail. */
function unsealable(names: readonly string[], secrets: readonly Secret[]): string[] {
  return names.flatMap((name) => {
    const secret = secrets.find((one) => one.name === name);
    if (secret === undefined) return [name];
    return secret.value ? [] : [name === secret.variable ? name : `${name} (${secret.variable})`];
  });
}

/** Deploy tokens that were secrets of the repository, by the names that they have in the environment. */
function formerNames(environment: string, names: readonly string[]): string[] {
  const prefix = actionsSecretName(environment, "");
  const known: readonly string[] = Object.values(PASSED_ON);
  return names.map((name) => name.slice(prefix.length)).filter((name) => known.includes(name));
}

function without(secrets: SealedValues = {}, names: readonly string[]): SealedValues {
  return Object.fromEntries(Object.entries(secrets).filter(([name]) => !names.includes(name)));
}

/** Seals the values that are set here and aren't sealed yet. */
async function sealAll(
  all: readonly Secret[],
  before: SealedValues,
  { key }: RepositoryPublicKey,
): Promise<{ readonly secrets: SealedValues; readonly sealed: readonly string[] }> {
  const outdated = await differing(all, before);
  const secrets = { ...before };
  for (const { name, value } of outdated)
    secrets[name] = { sealed: await seal(value, key), digest: await digest(value) };
  return { secrets, sealed: outdated.map(({ name }) => name) };
}

async function differing(
  all: readonly Secret[],
  before: SealedValues = {},
): Promise<{ readonly name: string; readonly value: string }[]> {
  const outdated = await Promise.all(
    all.map(async ({ name, value }) => {
      const known = before[name];
      return value && !(known && (await matchesDigest(value, known.digest))) ? [{ name, value }] : [];
    }),
  );
  return outdated.flat();
}

function cannotSeal(lost: readonly string[], { directory, environment, github }: PublishOptions): Error {
  const file = shownPath(directory, `secrets/${environment.name}.json`);
  return new Error(
    `GitHub has a new public key for ${github.owner}/${github.repository}, or deploy tokens move into its environment ${environment.name}. Both need the values of what ${file} holds, and these are not set here: ${lost.join(", ")}. Nothing was changed. Put what stands in brackets (else the name itself) into .env or the environment and deploy again, or deploy where they are set; a secret that isn't used any more can be taken out of ${file}`,
  );
}
