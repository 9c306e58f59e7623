import type { z } from "zod";
import { APPLICATIONS, statedSizes } from "./application-catalogue";
import { defaultProfile, environmentApplications } from "./derive";
import { rangesOverlap } from "./ip-ranges";
import { isDomain } from "./names";
import { allocatable, nodeSize } from "./node-sizes";
import { formatPath, nearest, oneOf, type Problem, show } from "./problem";
import { parseCpu, parseMi } from "./quantities";
import { PLACEHOLDER_DOMAIN, RESERVED_NAMES } from "./reserved-names";
import { DERIVED_PROFILES } from "./resource-profiles";
import {
  type Configuration,
  configurationSchema,
  type EnvironmentConfiguration,
  environmentSchema,
} from "./schema";

export type Validation =
  | { readonly configuration: Configuration; readonly problems: [] }
  | { readonly problems: Problem[] };

/**
 * Checks a parsed document and reports every problem at once: those of the schema, and those between fields, which
 * are checked for each part that is well-formed by itself even when another part is not.
 */
export function validate(document: unknown): Validation {
  const result = configurationSchema.safeParse(document);
  const problems = [
    ...(result.error?.issues ?? []).flatMap((issue) => fromIssue(issue)),
    ...betweenFields(document),
  ];
  return result.success && problems.length === 0
    ? { configuration: result.data, problems: [] }
    : { problems };
}

function fromIssue(issue: z.core.$ZodIssue): Problem[] {
  const path = formatPath(issue.path) || "(the document)";
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map((key) => ({
      path: formatPath([...issue.path, key]),
      problem: "is unknown",
      expected: oneOf(key, knownKeys(issue.path)),
    }));
  }
  if (issue.code === "invalid_key") {
    return issue.issues.flatMap((inner) => fromIssue({ ...inner, path: issue.path }));
  }
  const [problem = issue.message, ...expected] = issue.message.split(", expected ");
  return [
    { path, problem, expected: expected.join(", expected ") || "what the documentation of this field says" },
  ];
}

/** The keys that the schema knows at a path, for suggestions. */
function knownKeys(path: readonly PropertyKey[]): string[] {
  let schema: z.core.$ZodType | undefined = configurationSchema;
  for (const part of path) schema = schema && child(unwrap(schema), part);
  return schema ? keysOf(unwrap(schema)) : [];
}

type Definition = {
  type: string;
  innerType?: z.core.$ZodType;
  in?: z.core.$ZodType;
  element?: z.core.$ZodType;
  valueType?: z.core.$ZodType;
  shape?: Record<string, z.core.$ZodType>;
  options?: z.core.$ZodType[];
};

const definition = (schema: z.core.$ZodType): Definition => schema._zod.def as unknown as Definition;

function unwrap(schema: z.core.$ZodType): z.core.$ZodType {
  const { innerType, type, in: input } = definition(schema);
  if (innerType) return unwrap(innerType);
  return type === "pipe" && input ? unwrap(input) : schema;
}

function child(schema: z.core.$ZodType, part: PropertyKey): z.core.$ZodType | undefined {
  const { element, valueType, shape } = definition(schema);
  return shape?.[String(part)] ?? valueType ?? element;
}

function keysOf(schema: z.core.$ZodType): string[] {
  const { shape, options } = definition(schema);
  return shape
    ? Object.keys(shape)
    : [...new Set((options ?? []).flatMap((option) => keysOf(unwrap(option))))];
}

// ---- between fields --------------------------------------------------------------------------------------------

type Section = Record<string, unknown>;
const section = (value: unknown): Section =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Section) : {};

function betweenFields(document: unknown): Problem[] {
  const { project, environments, applications, resourceProfiles, github } = section(document);
  const list = Array.isArray(environments) ? environments : [];
  const shared = {
    applications: readable("applications", applications),
    resourceProfiles: readable("resourceProfiles", resourceProfiles),
  };
  const problems: Problem[] = [
    ...emptyList(environments),
    ...duplicates(list, "environments"),
    ...reservedNames(section(project), list),
    ...sharedDomains(section(project), list),
    ...sharedRanges(list),
    ...foreignReviewers(github, list),
    ...unknownApplications("applications", applications),
  ];
  list.forEach((entry, index) => {
    const path = `environments[${index}]`;
    problems.push(...unknownApplications(`${path}.applications`, section(entry).applications));
    const environment = wellFormedPart(entry);
    if (environment)
      problems.push(...clusterRules(environment, path), ...profileRules(shared, environment, path));
  });
  const first = new Map(problems.map((problem) => [`${problem.path}\n${problem.problem}`, problem]));
  return [...first.values()];
}

/** A section as its schema reads it, without its malformed entries (which the schema reports by itself). */
function readable<Key extends "applications" | "resourceProfiles">(
  key: Key,
  value: unknown,
): Configuration[Key] {
  const schema = configurationSchema.shape[key];
  const copy = withoutMalformed(value, schema);
  const parsed = schema.safeParse(copy);
  return parsed.success ? (parsed.data as Configuration[Key]) : undefined;
}

function withoutMalformed(value: unknown, schema: z.ZodType): Section {
  const copy: Section = structuredClone(section(value));
  for (const issue of schema.safeParse(copy).error?.issues ?? []) {
    if (issue.code === "unrecognized_keys") for (const key of issue.keys) remove(copy, [...issue.path, key]);
    else remove(copy, issue.path);
  }
  return copy;
}

/** Stand in for what is missing or wrong in an environment, chosen so that no rule between fields complains of them. */
const NEUTRAL_CLUSTER = { region: "nyc3", nodeSize: "s-512vcpu-4096gb" };

/**
 * An environment without its malformed values (which the schema reports), so that the rules between fields still
 * see the rest. Undefined when nothing can be made of it.
 */
function wellFormedPart(entry: unknown): EnvironmentConfiguration | undefined {
  const copy = withoutMalformed(entry, environmentSchema);
  const cluster: Section = { ...NEUTRAL_CLUSTER, ...section(copy.cluster) };
  const nodeCount = cluster.nodeCount ?? cluster.minNodes ?? cluster.maxNodes ?? 2;
  const repaired = environmentSchema.safeParse({
    name: "environment",
    ...copy,
    cluster: { ...cluster, nodeCount },
  });
  return repaired.success ? repaired.data : undefined;
}

function remove(target: Section, path: readonly PropertyKey[]): void {
  const parent = path
    .slice(0, -1)
    .reduce<unknown>((value, part) => (value as Section | undefined)?.[part as string], target);
  const last = path.at(-1);
  if (typeof parent === "object" && parent !== null && last !== undefined)
    delete (parent as Section)[last as string];
}

function emptyList(environments: unknown): Problem[] {
  return Array.isArray(environments) && environments.length === 0
    ? [
        {
          path: "environments",
          problem: "is empty",
          expected: "at least one environment, such as staging or production",
        },
      ]
    : [];
}

function duplicates(list: readonly unknown[], path: string): Problem[] {
  const problems: Problem[] = [];
  list.forEach((entry, index) => {
    const name = section(entry).name;
    const earlier = list.findIndex((other) => section(other).name === name);
    if (typeof name === "string" && earlier < index) {
      problems.push({
        path: `${path}[${index}].name`,
        problem: `${show(name)} is also the name of ${path}[${earlier}]`,
        expected: "a name of its own",
      });
    }
  });
  return problems;
}

function sharedDomains(project: Section, list: readonly unknown[]): Problem[] {
  const domains = list.map((entry) => {
    const { name, domain } = section(entry);
    return typeof domain === "string" ? domain : name === "production" ? project.domain : undefined;
  });
  return domains.flatMap((domain, index) => {
    const earlier = domains.indexOf(domain);
    return typeof domain === "string" && earlier < index
      ? [
          {
            path: `environments[${index}].domain`,
            problem: `${show(domain)} is also the domain of environments[${earlier}]`,
            expected: "a domain of its own, since both clusters would claim the same hosts",
          },
        ]
      : [];
  });
}

function sharedRanges(list: readonly unknown[]): Problem[] {
  const ranges = list.map((entry) => section(section(entry).cluster).vpcIpRange);
  return ranges.flatMap((range, index) => {
    if (typeof range !== "string") return [];
    const earlier = ranges.findIndex(
      (other) => typeof other === "string" && (other === range || rangesOverlap(other, range)),
    );
    return earlier < index
      ? [
          {
            path: `environments[${index}].cluster.vpcIpRange`,
            problem:
              ranges[earlier] === range
                ? `${show(range)} is also the range of environments[${earlier}]`
                : `${show(range)} overlaps ${show(ranges[earlier])}, the range of environments[${earlier}]`,
            expected: "a range of its own, or none",
          },
        ]
      : [];
  });
}

/** GitHub asks users, and teams of the organisation that owns the repository; never the organisation itself. */
function foreignReviewers(github: unknown, list: readonly unknown[]): Problem[] {
  const { owner, reviewers } = section(github);
  const lists = [
    { path: "github.reviewers", entries: reviewers },
    ...list.map((entry, index) => ({
      path: `environments[${index}].reviewers`,
      entries: section(entry).reviewers,
    })),
  ];
  return lists.flatMap(({ path, entries }) => {
    if (!Array.isArray(entries)) return [];
    if (github === undefined)
      return [{ path, problem: 'is given without "github"', expected: 'none, or a section "github"' }];
    return entries.flatMap((entry, index) => {
      const [organisation = "", team] = typeof entry === "string" ? entry.split("/") : [];
      return team === undefined ||
        typeof owner !== "string" ||
        organisation.toLowerCase() === owner.toLowerCase()
        ? []
        : [
            {
              path: `${path}[${index}]`,
              problem: `${show(entry)} is no team of ${show(owner)}`,
              expected: `a team of the repository's owner such as ${show(`${owner}/${team}`)}, or a user`,
            },
          ];
    });
  });
}

/** A value that is itself a placeholder of flux/ would be replaced again by the next run. */
function reservedNames(project: Section, list: readonly unknown[]): Problem[] {
  const problems: Problem[] = [];
  const name = project.name;
  if (typeof name === "string" && RESERVED_NAMES.includes(name)) {
    problems.push({
      path: "project.name",
      problem: `${show(name)} is a placeholder of the files in flux/`,
      expected: "another name",
    });
  }
  const own = project.domain;
  const reserved = (domain: unknown): domain is string =>
    typeof domain === "string" &&
    (domain === PLACEHOLDER_DOMAIN || domain.endsWith(`.${PLACEHOLDER_DOMAIN}`));
  const refuse = (path: string, domain: string) =>
    problems.push({
      path,
      problem: `${show(domain)} lies in ${PLACEHOLDER_DOMAIN}, the placeholder of the files in flux/`,
      expected: `a domain of your own, or ${PLACEHOLDER_DOMAIN} itself as project.domain to try things out`,
    });
  const ownIsTheUsers = typeof own === "string" && isDomain(own) && !reserved(own);
  if (reserved(own) && own !== PLACEHOLDER_DOMAIN) refuse("project.domain", own);
  list.forEach((entry, index) => {
    const domain = section(entry).domain;
    if (reserved(domain) && ownIsTheUsers) refuse(`environments[${index}].domain`, domain);
  });
  return problems;
}

/** A name close to one of the catalogue's is a typing error; any other is an application that the user added. */
function unknownApplications(path: string, applications: unknown): Problem[] {
  const known = Object.keys(APPLICATIONS);
  return Object.keys(section(applications)).flatMap((name) => {
    const near = known.includes(name) || name.length < 6 ? [] : nearest(name, known, 1);
    return near.length === 0
      ? []
      : [
          {
            path: formatPath([...path.split("."), name]).replace(/\["(environments\[\d+\])"\]/, "$1"),
            problem: "is no application of this repository",
            expected: `${show(near[0])}, or a name that is less like it`,
          },
        ];
  });
}

function clusterRules({ cluster }: EnvironmentConfiguration, path: string): Problem[] {
  const problems = autoscalingRules(cluster, `${path}.cluster`);
  if (cluster.haControlPlane && (cluster.minNodes ?? cluster.nodeCount) < 2) {
    problems.push({
      path: `${path}.cluster.haControlPlane`,
      problem: "is true while there may be a single node, so that applications go down with it all the same",
      expected: "at least 2 nodes (nodeCount, minNodes), or false",
    });
  }
  const pools = cluster.pools ?? [];
  pools.forEach((pool, index) => {
    const poolPath = `${path}.cluster.pools[${index}]`;
    problems.push(...autoscalingRules(pool, poolPath));
    if (["system", "workload"].includes(pool.name)) {
      problems.push({
        path: `${poolPath}.name`,
        problem: `${show(pool.name)} is the name of a pool that every cluster has`,
        expected: "another name",
      });
    }
  });
  return [...problems, ...duplicates(pools, `${path}.cluster.pools`)];
}

function autoscalingRules(
  pool: { nodeCount: number; minNodes?: number; maxNodes?: number },
  path: string,
): Problem[] {
  const { nodeCount, minNodes, maxNodes } = pool;
  const problem = (field: string, text: string, expected: string): Problem => ({
    path: `${path}.${field}`,
    problem: text,
    expected,
  });
  if (minNodes === undefined && maxNodes === undefined) return [];
  if (minNodes === undefined)
    return [
      problem(
        "minNodes",
        "is missing while maxNodes is given",
        `a number up to nodeCount (${nodeCount}), or no maxNodes`,
      ),
    ];
  if (maxNodes === undefined)
    return [
      problem(
        "maxNodes",
        "is missing while minNodes is given",
        `a number from nodeCount (${nodeCount}), or no minNodes`,
      ),
    ];
  const problems: Problem[] = [];
  if (minNodes > nodeCount)
    problems.push(
      problem(
        "minNodes",
        `${minNodes} is more than nodeCount (${nodeCount})`,
        `at most ${nodeCount}, or a larger nodeCount`,
      ),
    );
  if (nodeCount > maxNodes)
    problems.push(
      problem(
        "maxNodes",
        `${maxNodes} is less than nodeCount (${nodeCount})`,
        `at least ${nodeCount}, or a smaller nodeCount`,
      ),
    );
  return problems;
}

type Shared = Pick<Configuration, "applications" | "resourceProfiles">;

function profileRules(shared: Shared, environment: EnvironmentConfiguration, path: string): Problem[] {
  const own = { ...shared.resourceProfiles, ...environment.resourceProfiles };
  const names = [...DERIVED_PROFILES, ...Object.keys(own)];
  const problems: Problem[] = [];
  const unknownProfile = (where: string, name: string) =>
    problems.push({
      path: where,
      problem: `${show(name)} is no resource profile`,
      expected: oneOf(name, names),
    });

  const fallback = defaultProfile(environment);
  if (!names.includes(fallback)) unknownProfile(`${path}.profile`, fallback);
  const used = new Map<string, string>([[fallback, `${path}.profile`]]);
  for (const [name, { profile, replicas }] of Object.entries(environmentApplications(shared, environment))) {
    const where = environment.applications?.[name] ? `${path}.applications.${name}` : `applications.${name}`;
    const reason = APPLICATIONS[name]?.singleReplica;
    if (replicas !== undefined && replicas > 1 && reason) {
      problems.push({
        path: `${where}.replicas`,
        problem: `${replicas} can't run: ${reason}`,
        expected: "1",
      });
    }
    problems.push(...scalingRules(name, environment, shared, where));
    if (profile === undefined) continue;
    if (!names.includes(profile)) unknownProfile(`${where}.profile`, profile);
    else used.set(profile, `${where}.profile`);
  }
  for (const [name, resources] of Object.entries(own)) {
    const where = environment.resourceProfiles?.[name]
      ? `${path}.resourceProfiles.${name}`
      : `resourceProfiles.${name}`;
    const misfit = unplaceable(resources, environment);
    const needsDevices = Object.keys(resources).some((key) => key.includes("/"));
    // A profile for devices that no pool has yet harms nobody until an application uses it.
    if (misfit && (used.has(name) || !needsDevices)) {
      const user = needsDevices && used.has(name) ? ` (used by ${used.get(name)})` : "";
      problems.push({
        path: where,
        problem: `fits no node of ${show(environment.name)}${user}: ${misfit}`,
        expected: "a smaller profile, or a node pool with larger nodes",
      });
    }
  }
  return problems;
}

/** The most replicas: only for applications that scale by themselves, and not fewer than the fewest. */
function scalingRules(
  name: string,
  environment: EnvironmentConfiguration,
  shared: Shared,
  where: string,
): Problem[] {
  const { replicas, maxReplicas } = environmentApplications(shared, environment)[name] ?? {};
  if (maxReplicas === undefined) return [];
  const known = APPLICATIONS[name];
  const stated = statedSizes(name, environment.name);
  if (known && stated.maxReplicas === undefined) {
    return [
      {
        path: `${where}.maxReplicas`,
        problem: `is given, but ${name} does not scale by itself`,
        expected: known.singleReplica ? "none" : "replicas instead",
      },
    ];
  }
  const fewest = replicas ?? stated.replicas ?? 1;
  return maxReplicas >= fewest
    ? []
    : [
        {
          path: `${where}.maxReplicas`,
          problem: `${maxReplicas} is less than the fewest replicas (${fewest})`,
          expected: `at least ${fewest}, or fewer replicas`,
        },
      ];
}

/** Why no node of the environment can hold a pod of these resources; undefined when one can. */
function unplaceable(
  resources: Readonly<Record<string, string | number>>,
  { cluster }: EnvironmentConfiguration,
): string | undefined {
  const cpu = parseCpu(String(resources.cpu)) ?? 0;
  const memory = parseMi(String(resources.memory)) ?? 0;
  const devices = Object.entries(resources).filter(([key]) => key.includes("/"));
  const slugs = [cluster.nodeSize, ...(cluster.pools ?? []).map((pool) => pool.nodeSize)];
  const sizes = slugs.flatMap((slug) => nodeSize(slug) ?? []);
  const fitting = sizes.some((size) => {
    const room = allocatable(size);
    return (
      cpu <= room.cpu &&
      memory <= room.memory &&
      devices.every(([key, count]) => Number(count) <= (size.extendedResources[key] ?? 0))
    );
  });
  if (fitting) return undefined;
  const asked = [
    `${cpu}m CPU`,
    `${Math.ceil(memory)}Mi memory`,
    ...devices.map(([key, count]) => `${count} ${key}`),
  ].join(", ");
  const offered = sizes.map((size) => {
    const room = allocatable(size);
    const has = Object.entries(size.extendedResources).map(([key, count]) => `, ${count} ${key}`);
    return `${size.slug} has ${room.cpu}m, ${room.memory}Mi${has.join("")}`;
  });
  return `it asks for ${asked}; for pods ${offered.join("; ")}`;
}
