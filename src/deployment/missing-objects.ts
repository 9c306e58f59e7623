import { newestUsable, type ReadableState, type StateStore } from "../state";
import {
  environmentOf,
  readState,
  type StackDocument,
  type StackPlan,
  type StateDocument,
  type SynthesizedStack,
  type Variables,
} from "../terraform";
import { digitalOceanList, digitalOceanObject } from "./cloud-api";

/** Kinds of objects that are missing only when somebody deleted them, or when the token can't see them. */
const KINDS = {
  digitalocean_kubernetes_cluster: {
    word: "cluster",
    path: "kubernetes/clusters",
    list: "kubernetes_clusters",
  },
  digitalocean_vpc: { word: "network", path: "vpcs", list: "vpcs" },
  digitalocean_domain: { word: "domain", path: "domains", list: "domains" },
} as const;

type Kind = keyof typeof KINDS;
const ORDER = Object.keys(KINDS);
const isKind = (type: string): type is Kind => type in KINDS;

const PROJECT = "digitalocean_project";

/** A cluster, network or domain that a state has and that the account of the token does not. */
export interface MissingObject {
  readonly type: Kind;
  readonly address: string;
  readonly id: string;
  readonly name?: string;
}

/** What a token belongs to, compared with the owner of what is deployed. */
export interface AccountComparison {
  /** `same`: it sees other objects of the stack, or is the owner's. `other`: neither. `unknown`: nobody can say. */
  readonly verdict: "same" | "other" | "unknown";
  /** The account of the token, in words. */
  readonly account?: string;
  /** The uuid of the account or team that owns what is deployed, as the state has it. */
  readonly owner?: string;
}

/** What a stack's state has and its cloud does not. */
export interface MissingObjects {
  readonly stack: string;
  readonly objects: readonly MissingObject[];
  readonly account: AccountComparison;
}

/** `the cluster my-startup-staging (<id>)`. */
export function describeMissing({ type, id, name }: MissingObject): string {
  return `the ${KINDS[type].word} ${name === undefined || name === id ? id : `${name} (${id})`}`;
}

interface Stack {
  /** With its document where it may not be synthesized in its directory. */
  readonly stack: SynthesizedStack & { readonly document?: StackDocument };
  readonly variables: Variables;
  /** Who owned the stack's project, for a state that has none any more. */
  readonly formerOwner?: (stack: string) => Promise<string | undefined>;
}

/**
 * What the refresh of plans did not find. For a stack that could not be planned the account itself is asked. Where a cloud can't be
 * asked, nothing is reported: the plan has failed for the same reason, or shows what it creates.
 */
export async function missingObjects({
  plans,
  failed,
  variables,
  formerOwner,
}: {
  readonly plans: readonly StackPlan[];
  readonly failed: readonly SynthesizedStack[];
} & Pick<Stack, "variables" | "formerOwner">): Promise<MissingObjects[]> {
  const found = await Promise.all([
    ...plans.map((plan) => missingInPlan(plan, variables)),
    ...failed
      .filter(isClusterStack)
      .map((stack) => missingInAccount({ stack, variables, formerOwner }).catch(() => undefined)),
  ]);
  return found.flatMap((one) => (one ? [one] : []));
}

async function missingInPlan(
  { stack, lost = [] }: StackPlan,
  variables: Variables,
): Promise<MissingObjects | undefined> {
  const objects = lost
    .flatMap(({ type, ...object }) => (isKind(type) ? [{ ...object, type }] : []))
    .sort((a, b) => ORDER.indexOf(a.type) - ORDER.indexOf(b.type));
  if (objects.length === 0) return undefined;
  return { stack: stack.name, objects, account: await compareAccount({ stack, variables }) };
}

/**
 * Compares what a state has with what the account of the token has.
 * @throws ApiUnavailable, or an Error with what DigitalOcean answered
 */
export async function missingInAccount(deployed: Stack): Promise<MissingObjects | undefined> {
  const { stack, variables } = deployed;
  const state = await readState(stack, variables);
  const objects: MissingObject[] = [];
  for (const [type, { path, list }] of Object.entries(KINDS) as Array<[Kind, (typeof KINDS)[Kind]]>) {
    const instances = instancesOf(state, type);
    if (instances.length === 0) continue;
    const { objects: present } = await digitalOceanList(path, list, variables);
    // A domain has no id but its name.
    for (const { address, id, name } of instances)
      if (!present.some((one) => String(one.id ?? one.name) === id || (type === DOMAIN && one.name === id)))
        objects.push({ type, address, id, name });
  }
  if (objects.length === 0) return undefined;
  return { stack: stack.name, objects, account: await compareAccount(deployed, state) };
}

const DOMAIN: Kind = "digitalocean_domain";

/** Whether a token is of the account that owns what a stack has deployed. */
export async function compareAccount(deployed: Stack, known?: StateDocument): Promise<AccountComparison> {
  const { stack, variables, formerOwner } = deployed;
  try {
    const state = known ?? (await readState(stack, variables));
    const [project] = instancesOf(state, PROJECT);
    const owner = project ? project.owner : await formerOwner?.(stack.name);
    const [projects, answer] = await Promise.all([
      digitalOceanList("projects", "projects", variables).catch(() => undefined),
      digitalOceanObject<AccountAnswer>("account", variables).catch(() => undefined),
    ]);
    const account = answer && describeAccount(answer);
    const seen = project !== undefined && projects?.objects.some(({ id }) => String(id) === project.id);
    const uuids = answer ? [answer.account.uuid, answer.account.team?.uuid] : [];
    if (seen || (owner !== undefined && uuids.includes(owner))) return { verdict: "same", account, owner };
    return { verdict: answer && owner !== undefined ? "other" : "unknown", account, owner };
  } catch {
    return { verdict: "unknown" };
  }
}

/** Who owned the project of a stack when a backup of its state had one: a destroy that was cut off has deleted it perhaps. */
export async function ownerInBackups(store: StateStore, stack: string): Promise<string | undefined> {
  const projectIn = ({ document }: Pick<ReadableState, "document">) => instancesOf(document, PROJECT)[0];
  const found = await newestUsable(store, stack, (state) => projectIn(state) !== undefined);
  return found && projectIn(found.state)?.owner;
}

interface AccountAnswer {
  readonly account: {
    readonly uuid?: string;
    readonly email?: string;
    readonly team?: { readonly uuid?: string; readonly name?: string };
  };
}

function describeAccount({ account: { uuid, email, team } }: AccountAnswer): string {
  const parts = [
    email,
    ...(team ? [`team ${[team.name, team.uuid].filter(Boolean).join(" ")}`] : [uuid]),
  ].filter(Boolean);
  return parts.join(", ");
}

/** What may be the reason and how to tell, for people. */
export function explainAccount({ verdict, account, owner }: AccountComparison): string {
  const token = account ? `the account ${account}` : "an account that it may not show";
  const deployed = owner
    ? `what is deployed belongs to ${owner}`
    : "the owner of what is deployed is unknown";
  if (verdict === "same")
    return "DIGITALOCEAN_TOKEN is of the account that owns the rest of the stack, so it was deleted there by hand";
  if (verdict === "other")
    return `DIGITALOCEAN_TOKEN is of ${token}, and ${deployed}: it is of another account or team, or all of it was deleted by hand`;
  return `either DIGITALOCEAN_TOKEN is of another account or team, or it was deleted by hand. The token is of ${token}, and ${deployed}; \`doctl account get\` and the team in cloud.digitalocean.com tell`;
}

/** What is missing of a stack, and why that may be, for people. */
export function explainMissing({ stack, objects, account }: MissingObjects): string {
  const is = objects.length === 1 ? "is" : "are";
  return `${stack}: ${objects.map(describeMissing).join(", ")} ${is} in the state and missing in DigitalOcean: ${explainAccount(account)}.`;
}

interface Instance {
  readonly address: string;
  readonly id: string;
  readonly name?: string;
  readonly owner?: string;
}

/** What a state has of a type, but for what was never made to the end and what waits to be deleted. */
function instancesOf({ resources = [] }: StateDocument, wanted: string): Instance[] {
  return resources
    .filter(({ mode, type }) => mode === "managed" && type === wanted)
    .flatMap(({ type, name, instances }) =>
      instances
        .filter(({ status, deposed }) => status !== "tainted" && !deposed)
        .map(({ attributes = {} }) => ({
          address: `${type}.${name}`,
          id: String(attributes.id ?? ""),
          name: typeof attributes.name === "string" ? attributes.name : undefined,
          owner: typeof attributes.owner_uuid === "string" ? attributes.owner_uuid : undefined,
        })),
    );
}

const isClusterStack = (stack: SynthesizedStack): boolean => stack.name === `${environmentOf(stack)}-cluster`;
