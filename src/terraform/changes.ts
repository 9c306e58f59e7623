/** What a plan does to a resource, in terraform's own terms. */
export type Action = "create" | "update" | "replace" | "destroy" | "read" | "forget";

/** A part of `terraform show -json` of a plan. Source: terraform's JSON output format, version 1. */
export interface TerraformPlan {
  readonly resource_changes?: ReadonlyArray<{
    readonly address: string;
    readonly mode: "managed" | "data";
    readonly type: string;
    readonly name: string;
    readonly action_reason?: string;
    readonly change: {
      readonly actions: readonly string[];
      readonly before: unknown;
      readonly after: unknown;
      readonly after_unknown: unknown;
      readonly before_sensitive: unknown;
      readonly after_sensitive: unknown;
      readonly replace_paths?: ReadonlyArray<ReadonlyArray<string | number>>;
    };
  }>;
  /** What somebody else did to objects since the state was written. */
  readonly resource_drift?: ReadonlyArray<{
    readonly address: string;
    readonly type: string;
    readonly change: {
      readonly actions: readonly string[];
      readonly before: unknown;
      readonly after?: unknown;
      readonly before_sensitive: unknown;
    };
  }>;
  readonly output_changes?: Readonly<Record<string, { readonly actions: readonly string[] }>>;
  /** What was found when the plan was made, with everything that its data sources have read. */
  readonly prior_state?: {
    readonly values?: {
      readonly root_module?: {
        readonly resources?: ReadonlyArray<{
          readonly mode: string;
          readonly type: string;
          readonly values?: Readonly<Record<string, unknown>>;
        }>;
      };
    };
  };
}

/** A change of one resource. */
export interface ResourceChange {
  readonly address: string;
  readonly type: string;
  readonly action: Action;
  /** For a replacement: the new one is made before the old one goes. */
  readonly createFirst: boolean;
  /** What people call it: its name in the cloud, if it has one. */
  readonly label?: string;
  readonly attributes: readonly AttributeChange[];
  /**
   * Where somebody else changed or deleted the object: how the planned one differs from the one that was deployed last, which the state
   * still has.
   */
  readonly sinceDeployed?: readonly AttributeChange[];
  /** It is replaced since it was never made to the end: an apply was cut off, or failed, while it was being made. */
  readonly tainted?: boolean;
}

/** A change of one attribute, at any depth. A list of texts or numbers is one attribute: it is compared as a set. */
export interface AttributeChange {
  /** Such as `node_pool[0].size` or `data["values.yaml"]`. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
  /** Not known before apply. */
  readonly unknown: boolean;
  readonly sensitive: boolean;
  /** It is the reason for the replacement. */
  readonly forcesReplacement: boolean;
}

/** The changes of managed resources in a plan; what stays as it is is left out. */
export function toResourceChanges(plan: TerraformPlan): ResourceChange[] {
  const drift = new Map((plan.resource_drift ?? []).map(({ address, change }) => [address, change]));
  return (plan.resource_changes ?? []).flatMap((resource) => {
    const action = actionOf(resource.change.actions);
    if (resource.mode !== "managed" || action === undefined || action === "read") return [];
    const { change } = resource;
    // Nothing stands behind it in any cloud: replacing it means that its script runs again.
    if (resource.type === "null_resource" && action === "replace") {
      return [
        {
          address: resource.address,
          type: resource.type,
          action: "update",
          createFirst: false,
          label: "runs again: replaces names in flux/",
          attributes: [],
        },
      ];
    }
    const deployed = action === "destroy" ? undefined : drift.get(resource.address);
    const attributes = [
      ...(action === "update" || action === "replace" ? attributeChanges(change, resource.type) : []),
      ...(action !== "destroy" && resource.type === GITHUB_ENVIRONMENT
        ? reviewersChange(change, reviewerNames(plan))
        : []),
    ];
    return [
      {
        address: resource.address,
        type: resource.type,
        action,
        createFirst: change.actions[0] === "create" && change.actions.length === 2,
        label: labelOf(change.after) ?? labelOf(change.before),
        attributes,
        ...(deployed
          ? {
              sinceDeployed: attributeChanges(
                {
                  ...change,
                  before: deployed.before,
                  before_sensitive: deployed.before_sensitive,
                },
                resource.type,
              ),
            }
          : {}),
        ...(resource.action_reason === "replace_because_tainted" ? { tainted: true } : {}),
      },
    ];
  });
}

/** An object that a state has and that its cloud no longer answers for. */
export interface LostObject {
  readonly address: string;
  readonly type: string;
  readonly id: string;
  readonly name?: string;
}

/** What a state has and the refresh before a plan did not find. */
export function lostObjects({ resource_drift = [] }: TerraformPlan): LostObject[] {
  return resource_drift
    .filter(({ change }) => change.actions.length === 1 && change.actions[0] === "delete")
    .map(({ address, type, change: { before } }) => ({
      address,
      type,
      id: String((before as { id?: unknown } | null)?.id ?? ""),
      name: labelOf(before),
    }));
}

function actionOf(actions: readonly string[]): Action | undefined {
  if (actions.length === 2) return "replace";
  switch (actions[0]) {
    case "create":
    case "update":
    case "read":
    case "forget":
      return actions[0];
    case "delete":
      return "destroy";
    default:
      return undefined;
  }
}

function labelOf(value: unknown): string | undefined {
  const resource = (value ?? {}) as Record<string, unknown>;
  const metadata = (resource.metadata as Array<Record<string, unknown>> | undefined)?.[0];
  const name =
    metadata?.name ??
    resource.name ??
    resource.secret_name ??
    resource.variable_name ??
    resource.environment ??
    resource.title;
  return typeof name === "string" ? name : undefined;
}

/** What its provider calls an environment of a repository, with those who have to approve its deployments. */
export const GITHUB_ENVIRONMENT = "github_repository_environment";

/** Those who have to approve, as the provider of GitHub has them. */
export interface ReviewedEnvironment {
  readonly reviewers?: ReadonlyArray<{
    readonly users?: readonly number[] | null;
    readonly teams?: readonly number[] | null;
  }> | null;
}

/** `user 21` or `team 21`: a reviewer by id. */
export type ReviewerId = `${"user" | "team"} ${number}`;

/** The ids of an environment's reviewers. */
export function reviewerIds({ reviewers }: ReviewedEnvironment): ReviewerId[] {
  return (reviewers ?? []).flatMap(({ users, teams }) => [
    ...(users ?? []).map((id): ReviewerId => `user ${id}`),
    ...(teams ?? []).map((id): ReviewerId => `team ${id}`),
  ]);
}

/** Logins and teams by their ids, from what the data sources of a plan or of a state have read. */
export function namesOfReviewers(
  data: ReadonlyArray<{ readonly type: string; readonly values?: Readonly<Record<string, unknown>> }>,
): Map<ReviewerId, string> {
  return new Map(
    data.flatMap(({ type, values = {} }): Array<[ReviewerId, string]> => {
      const id = Number(values.id);
      if (type === "github_user") return [[`user ${id}`, String(values.login ?? values.username)]];
      return type === "github_team" ? [[`team ${id}`, `team ${values.slug}`]] : [];
    }),
  );
}

const reviewerNames = ({ prior_state }: TerraformPlan): Map<ReviewerId, string> =>
  namesOfReviewers((prior_state?.values?.root_module?.resources ?? []).filter(({ mode }) => mode === "data"));

/** Who has to approve, before and after, by name where one is known: ids tell nobody who that is. */
function reviewersChange(change: Change, names: ReadonlyMap<ReviewerId, string>): AttributeChange[] {
  const named = (value: unknown): string[] =>
    reviewerIds((value ?? {}) as ReviewedEnvironment).map((id) => names.get(id) ?? id);
  const [before, after] = [named(change.before), named(change.after)];
  const unchanged = sameMembers(before, after);
  return unchanged
    ? []
    : [{ path: "reviewers", before, after, unknown: false, sensitive: false, forcesReplacement: false }];
}

const sameMembers = (some: readonly unknown[], others: readonly unknown[]): boolean =>
  some.every((one) => others.includes(one)) && others.every((one) => some.includes(one));

type Change = NonNullable<TerraformPlan["resource_changes"]>[number]["change"];

/** Of their providers. An empty value of a ConfigMap is a value. */
const FILLED_IN = /^(?:digitalocean|github)_/;

function attributeChanges(change: Change, type: string): AttributeChange[] {
  const filledIn = FILLED_IN.test(type);
  const forced = new Set((change.replace_paths ?? []).map((path) => path.join("\u0000")));
  const found: AttributeChange[] = [];
  const visit = (
    path: ReadonlyArray<string | number>,
    before: unknown,
    after: unknown,
    unknown: unknown,
    sensitive: unknown,
  ): void => {
    const key = path.join("\u0000");
    if (unknown === true || sensitive === true || !isContainer(before) || !isContainer(after)) {
      const isUnknown = unknown === true;
      if (!isUnknown && JSON.stringify(before) === JSON.stringify(after)) return;
      if (filledIn && !isUnknown && !forced.has(key) && isUnset(before) && isUnset(after)) return;
      found.push({
        path: render(path),
        before,
        after,
        unknown: isUnknown,
        sensitive: sensitive === true,
        forcesReplacement: forced.has(key),
      });
      return;
    }
    if (type === GITHUB_ENVIRONMENT && path[0] === "reviewers") return;
    if (isScalarList(before) && isScalarList(after) && isKnown(unknown) && isKnown(sensitive)) {
      const forcesReplacement = [...forced].some((one) => one === key || one.startsWith(`${key}\u0000`));
      if (!sameMembers(before, after)) {
        found.push({
          path: render(path),
          before,
          after,
          unknown: false,
          sensitive: false,
          forcesReplacement,
        });
        return;
      }
    }
    const keys = [
      ...new Set([...Object.keys(before), ...Object.keys(after), ...Object.keys((unknown as object) ?? {})]),
    ];
    for (const name of keys) {
      const part = Array.isArray(before) || Array.isArray(after) ? Number(name) : name;
      visit([...path, part], at(before, name), at(after, name), at(unknown, name), at(sensitive, name));
    }
  };
  visit(
    [],
    change.before ?? {},
    change.after ?? {},
    change.after_unknown,
    mergeMarks(change.before_sensitive, change.after_sensitive),
  );
  return found;
}

/**
 * Whether a value says nothing: the providers write 0, "", false and empty lists into a state where nothing is configured, and a plan
 * calls that a change to null, whenever something else of the object changes.
 */
function isUnset(value: unknown): boolean {
  if (value === undefined || value === null || value === 0 || value === "" || value === false) return true;
  return isContainer(value) && Object.values(value).every((inner) => inner === null || inner === undefined);
}

/** Sensitive when it was or will be. */
function mergeMarks(before: unknown, after: unknown): unknown {
  if (before === true || after === true) return true;
  if (!isContainer(before) || !isContainer(after)) return isContainer(before) ? before : after;
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return Object.fromEntries([...keys].map((key) => [key, mergeMarks(at(before, key), at(after, key))]));
}

const isScalarList = (value: unknown): value is unknown[] =>
  Array.isArray(value) && value.every((one) => !isContainer(one));

/** Whether terraform marks nothing in a list as unknown, or as sensitive. */
const isKnown = (marks: unknown): boolean =>
  !(isContainer(marks) ? Object.values(marks).some((mark) => mark !== false) : marks);

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function at(value: unknown, key: string): unknown {
  return isContainer(value) ? value[key] : undefined;
}

function render(path: ReadonlyArray<string | number>): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === "number") return `${text}[${part}]`;
    if (!/^[A-Za-z_][\w-]*$/.test(part)) return `${text}[${JSON.stringify(part)}]`;
    return text === "" ? part : `${text}.${part}`;
  }, "");
}
