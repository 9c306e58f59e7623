import { z } from "zod";
import { STORAGE_CLASSES } from "./application-catalogue";
import { isS3Endpoint } from "./endpoints";
import { rangesOverlap } from "./ip-ranges";
import { DNS_LABEL, isDomain, isEmail, YAML_BOOLEANS } from "./names";
import { nearSizes, nodeSize } from "./node-sizes";
import { oneOf, show } from "./problem";
import { parseCpu, parseMi } from "./quantities";
import { KUBERNETES_REGIONS, SPACES_REGIONS } from "./regions";

/**
 * The configuration file as a person writes it. Every object is strict, and every message has the form
 * `problem, expected what` so that a report can be printed as `path: problem, expected what`.
 */
const EXPECTED = ", expected ";

/** A string that `accept` takes; the message shows the value, and `hint` may say what the value most likely meant. */
function text(
  accept: (value: string) => boolean,
  expected: string,
  hint: (value: string) => string = () => expected,
) {
  return z.string({ error: (issue) => wrongType(issue.input, expected) }).superRefine((value, context) => {
    if (!accept(value)) {
      context.addIssue({ code: "custom", message: `${describe(value)}${EXPECTED}${hint(value)}` });
    }
  });
}

function describe(value: string): string {
  if (value === "") return "is empty";
  if (/[\u0000-\u001f]/.test(value)) return `${show(value)} has a line break or control character in it`;
  return `${show(value)} can't be used`;
}

function wrongType(input: unknown, expected: string): string {
  if (input === undefined) return `is missing${EXPECTED}${expected}`;
  const kind = input === null ? "null" : Array.isArray(input) ? "a list" : `${typeof input} ${show(input)}`;
  return `is ${kind}${EXPECTED}${expected}`;
}

const wholeNumber = (minimum: number, maximum: number) => {
  const expected = `a whole number from ${minimum} to ${maximum}`;
  return z
    .number({ error: (issue) => wrongType(issue.input, expected) })
    .superRefine((value, context) => {
      if (!Number.isInteger(value) || value < minimum || value > maximum) {
        context.addIssue({ code: "custom", message: `${value} can't be used${EXPECTED}${expected}` });
      }
    })
    .meta({ type: "integer", minimum, maximum });
};

const boolean = () => z.boolean({ error: (issue) => wrongType(issue.input, "true or false") });

const strict = <Shape extends z.ZodRawShape>(shape: Shape) =>
  z.strictObject(shape, {
    error: (issue) => (issue.code === "invalid_type" ? wrongType(issue.input, "an object {…}") : undefined),
  });

const choice = <const Values extends readonly [string, ...string[]]>(values: Values) =>
  z.enum(values, {
    error: (issue) =>
      typeof issue.input === "string"
        ? `${show(issue.input)} is unknown${EXPECTED}${oneOf(issue.input, values)}`
        : wrongType(issue.input, `one of ${values.join(", ")}`),
  });

const LABEL = DNS_LABEL.source;

/** GitHub's plans, by what they offer private repositories. */
export const GITHUB_PLANS = ["free", "pro", "team", "enterprise"] as const;
export type GitHubPlan = (typeof GITHUB_PLANS)[number];

/** A user or organisation; the underscore is that of managed users (`name_company`). */
const GITHUB_NAME = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,37}[A-Za-z0-9])?$/;
const GITHUB_TEAM = /^[a-z0-9_](?:[a-z0-9._-]{0,98}[a-z0-9_])?$/;

/** Who may approve deployments: users by their names, teams as `organisation/team`. */
const reviewers = () =>
  z
    .array(
      text((value) => {
        const [name = "", team, ...rest] = value.split("/");
        return rest.length === 0 && GITHUB_NAME.test(name) && (team === undefined || GITHUB_TEAM.test(team));
      }, 'a GitHub user such as "ada", or a team such as "acme/platform"'),
      { error: (issue) => wrongType(issue.input, "a list of GitHub users and teams […]") },
    )
    .max(6, { error: `has more than 6 entries${EXPECTED}at most 6 reviewers (GitHub's limit)` });

const domain = () =>
  text(
    isDomain,
    "a domain such as example.com (lower-case letters, digits and dashes, labels of at most 63 characters)",
    (value) =>
      isDomain(value.toLowerCase())
        ? `${show(value.toLowerCase())} (domains are written in lower case)`
        : "a domain such as example.com (lower-case letters, digits and dashes, no scheme, port or path)",
  ).meta({ format: "hostname" });

const cpu = () =>
  text((value) => parseCpu(value) !== undefined, 'a CPU quantity such as "500m" or "2"').meta({
    examples: ["500m", "2"],
  });
const memory = () =>
  text((value) => parseMi(value) !== undefined, 'a memory quantity such as "512Mi" or "1Gi"').meta({
    examples: ["512Mi", "1Gi"],
  });
const storageSize = () =>
  text(
    (value) => /^\d{1,5}(Gi|Ti)$/.test(value) && (parseMi(value) ?? MOST_MI + 1) <= MOST_MI,
    'a volume size in Gi or Ti such as "20Gi", at most 16Ti',
  ).meta({
    pattern: "^\\d{1,5}(Gi|Ti)$",
    examples: ["20Gi"],
  });

/** The ingress controllers that flux/infrastructure has; the first is the default. */
export const INGRESS_CLASSES = ["traefik", "nginx"] as const;

/** Host, perhaps a port, and a path, as image references have them (the distribution specification's grammar). */
const isRegistry = (value: string) =>
  value.length <= 200 &&
  /^[a-z0-9]+(?:[.-][a-z0-9]+)*(?::\d{1,5})?(?:\/[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*)*$/.test(value);

/** A name that becomes a key of the ConfigMap and a part of a variable name. */
const isKeyName = (value: string) =>
  /^[a-z](?:[a-z0-9-]{0,38}[a-z0-9])?$/.test(value) && !(YAML_BOOLEANS as readonly string[]).includes(value);
const KEY_NAME =
  "a name of lower-case letters, digits and dashes, starting with a letter, at most 40 characters, and not a YAML boolean";
const keyName = () => text(isKeyName, KEY_NAME);

const EXTENDED_RESOURCE =
  /^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?\/[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$/;

const resourceProfile = z
  .record(z.string(), z.union([z.string(), z.number()]), {
    error: (issue) => wrongType(issue.input, "an object {…}"),
  })
  .superRefine((profile, context) => {
    const issue = (key: string, message: string) =>
      context.addIssue({ code: "custom", path: [key], message });
    if (profile.cpu === undefined) issue("cpu", wrongType(undefined, 'a CPU quantity such as "500m" or "2"'));
    if (profile.memory === undefined)
      issue("memory", wrongType(undefined, 'a memory quantity such as "512Mi" or "1Gi"'));
    for (const [key, value] of Object.entries(profile)) {
      if (key === "cpu" || key === "memory") {
        const result = (key === "cpu" ? cpu() : memory()).safeParse(value);
        for (const { message } of result.error?.issues ?? []) issue(key, message);
      } else if (!EXTENDED_RESOURCE.test(key)) {
        issue(key, `is unknown${EXPECTED}cpu, memory or an extended resource such as "nvidia.com/gpu"`);
      } else if (typeof value !== "number" || !Number.isInteger(value) || value < 1) {
        issue(key, `${show(value)} can't be used${EXPECTED}a whole number of devices, at least 1`);
      }
    }
  })
  .transform((profile) => profile as { cpu: string; memory: string } & Record<string, string | number>)
  .meta({
    description:
      "Requests and limits of a container; extended resources such as nvidia.com/gpu count devices.",
  });

const applications = z.record(
  keyName(),
  strict({
    profile: keyName()
      .optional()
      .meta({ description: "A resource profile: small, medium, large or one of resourceProfiles." }),
    storage: choice(STORAGE_CLASSES)
      .optional()
      .meta({ description: "The storage class its volume is sized from." }),
    replicas: wholeNumber(1, 100)
      .optional()
      .meta({ description: "Replicas, where the application can run several." }),
    maxReplicas: wholeNumber(1, 100).optional().meta({
      description: "Most replicas of an application that scales by itself; replicas are the fewest.",
    }),
  }),
  { error: (issue) => wrongType(issue.input, "an object {…}") },
);

const resourceProfiles = z.record(keyName(), resourceProfile, {
  error: (issue) => wrongType(issue.input, "an object {…}"),
});

const slug = () =>
  text(
    (value) => nodeSize(value) !== undefined,
    "a Droplet size",
    (value) => `a Droplet size with at least 2 GB such as ${nearSizes(value).join(", ")}`,
  );

const pool = strict({
  name: text(
    (value) => DNS_LABEL.test(value) && value.length <= 30,
    "a name of lower-case letters, digits and dashes, at most 30 characters",
  ),
  nodeSize: slug(),
  nodeCount: wholeNumber(1, 512),
  minNodes: wholeNumber(1, 512).optional(),
  maxNodes: wholeNumber(1, 512).optional(),
  labels: z
    .record(
      text((key) => isLabelKey(key), "a Kubernetes label key such as workload or example.com/workload"),
      text(
        (value) => isLabelValue(value),
        "a Kubernetes label value of at most 63 letters, digits, dashes, dots and underscores",
      ),
    )
    .optional()
    .meta({ description: "Kubernetes labels of its nodes." }),
  taints: z
    .array(
      strict({
        key: text((key) => isLabelKey(key), "a Kubernetes taint key such as nvidia.com/gpu"),
        value: text(
          (value) => isLabelValue(value),
          "a Kubernetes taint value of at most 63 letters, digits, dashes, dots and underscores",
        ).optional(),
        effect: choice(["NoSchedule", "PreferNoSchedule", "NoExecute"]),
      }),
    )
    .optional()
    .meta({ description: "Kubernetes taints of its nodes." }),
});

const cluster = strict({
  region: choice(KUBERNETES_REGIONS).meta({ description: "DigitalOcean region of the cluster." }),
  nodeSize: slug().meta({
    description: "Droplet size of the workload nodes. Profiles and storage scale with it.",
    examples: ["s-4vcpu-8gb"],
  }),
  nodeCount: wholeNumber(1, 512).meta({
    description: "Workload nodes; with minNodes and maxNodes only the number at creation.",
  }),
  minNodes: wholeNumber(1, 512)
    .optional()
    .meta({ description: "Fewest nodes under autoscaling. Needs maxNodes." }),
  maxNodes: wholeNumber(1, 512)
    .optional()
    .meta({ description: "Most nodes under autoscaling. Needs minNodes." }),
  haControlPlane: boolean().optional().meta({
    description: "Highly available control plane. It can never be turned off again.",
    default: false,
  }),
  version: text((value) => /^1\.\d{2}$/.test(value), 'a Kubernetes minor version such as "1.34"')
    .optional()
    .meta({
      description:
        "Kubernetes minor version; default: DigitalOcean's newest. One above the running one upgrades the cluster in place. Patches follow by themselves.",
      pattern: "^1\\.\\d{2}$",
    }),
  vpcIpRange: text(
    isVpcRange,
    'a private range from /16 to /24 such as "10.10.0.0/16" (10.244.0.0/16 and 10.245.0.0/16 are DigitalOcean\'s own)',
  )
    .optional()
    .meta({ description: "IP range of the VPC; default: chosen by DigitalOcean." }),
  maintenance: strict({
    day: choice(["any", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]),
    startTime: text((value) => /^(?:[01]\d|2[0-3]):00$/.test(value), 'a full hour in UTC such as "04:00"'),
  })
    .optional()
    .meta({ description: "When DigitalOcean may upgrade; default: sunday 04:00 UTC." }),
  pools: z.array(pool).optional().meta({ description: "More node pools, for example with GPUs." }),
});

const storageOverride = strict({
  size: storageSize().optional(),
  storageClass: text(
    (value) => DNS_LABEL.test(value),
    "the name of a Kubernetes StorageClass such as do-block-storage",
  ).optional(),
});

const environment = strict({
  name: text(
    (value) => new RegExp(LABEL).test(value) && isKeyName(value) && value.length <= 20,
    "a name of lower-case letters, digits and dashes, starting with a letter, at most 20 characters",
  ).meta({ description: "staging or production, or another one that has a folder in flux/clusters." }),
  domain: domain().optional().meta({
    description: "Domain of its hosts; default: the project's for production, <name>.<domain> for others.",
  }),
  profile: keyName().optional().meta({
    description:
      "Resource profile of applications that have none; default: large for production, small for others.",
  }),
  cluster,
  ingress: choice(INGRESS_CLASSES).optional().meta({
    description: "The ingress controller; default: traefik. nginx needs a component in flux/clusters.",
  }),
  storage: strict({ fast: storageOverride.optional(), bulk: storageOverride.optional() })
    .optional()
    .meta({ description: "Overrides what follows from the node size." }),
  resourceProfiles: resourceProfiles
    .optional()
    .meta({ description: "Profiles of this environment only; they replace derived ones of the same name." }),
  applications: applications.optional().meta({ description: "Applications of this environment only." }),
  reviewers: reviewers().optional().meta({
    description:
      "GitHub users and teams (organisation/team) who may approve a deployment; default: github.reviewers for production, nobody for others.",
  }),
});

export const configurationSchema = strict({
  $schema: z.string().optional(),
  project: strict({
    name: text(
      (value) => DNS_LABEL.test(value) && /^[a-z]/.test(value) && value.length <= 40,
      "a name of lower-case letters, digits and dashes, starting with a letter, at most 40 characters",
    ).meta({
      description: "Names the clusters (<name>-<environment>) and the DigitalOcean projects.",
    }),
    domain: domain().meta({ description: "The domain that belongs to you." }),
    email: text(isEmail, "an e-mail address such as admin@example.com").meta({
      description: "For Let's Encrypt and alerts.",
      format: "email",
    }),
    description: text(
      (value) => value.length <= 255 && isOneLine(value),
      "one line of at most 255 characters, without ${ and %{",
    ).optional(),
    registry: text(
      isRegistry,
      "a container registry and a path in it such as ghcr.io/my-company (lower case, no scheme, no tag)",
    )
      .optional()
      .meta({
        description:
          "Where the images of the applications that you build are; default: ghcr.io/<github.owner>, else registry.<domain>.",
      }),
  }),
  environments: z.array(environment, {
    error: (issue) => wrongType(issue.input, "a list of environments […]"),
  }),
  applications: applications.optional().meta({ description: "What applications use, in every environment." }),
  resourceProfiles: resourceProfiles
    .optional()
    .meta({ description: "Profiles beside small, medium and large." }),
  github: strict({
    owner: text((value) => GITHUB_NAME.test(value), "a GitHub user or organisation"),
    repository: text(
      (value) => /^[A-Za-z0-9_.-]{1,100}$/.test(value) && !/^\.{1,2}$/.test(value),
      "a repository's name without its owner",
    ),
    branch: text(
      (value) => /^(?![/.-])(?!.*(?:\.\.|\/\/|@\{))[A-Za-z0-9._/-]{1,200}(?<![/.])$/.test(value),
      "a branch such as main",
    ).optional(),
    plan: choice(GITHUB_PLANS).optional().meta({
      description:
        "The owner's GitHub plan; default: what GitHub's API says. Needed where the repository is private and the token may not read the plan.",
    }),
    reviewers: reviewers().optional().meta({
      description: "Who may approve a deployment to production; default: nobody.",
    }),
  })
    .optional()
    .meta({ description: "Leave out when no GitHub repository is to be set up." }),
  state: z
    .discriminatedUnion(
      "backend",
      [
        strict({ backend: z.literal("local") }),
        strict({
          backend: z.literal("spaces"),
          bucket: text(
            (value) => /^[a-z0-9](?:[a-z0-9-]{1,61}[a-z0-9])$/.test(value),
            "a bucket name of 3 to 63 lower-case letters, digits and dashes",
          ),
          region: choice(SPACES_REGIONS),
          endpoint: text(
            isS3Endpoint,
            "the address of an S3 store such as https://s3.example.com, without a path (http only for 127.0.0.1, [::1] and localhost)",
          )
            .optional()
            .meta({
              description:
                "Address of another S3 store than Spaces, which signs for us-east-1 and takes bucket names in the path.",
              format: "uri",
            }),
          lockfile: boolean().optional().meta({
            description:
              "Whether Terraform locks states with a file in the bucket; false where the store has no conditional writes.",
            default: true,
          }),
        }),
      ],
      {
        error: (issue) =>
          issue.code === "invalid_union"
            ? `is unknown${EXPECTED}"local" or "spaces"`
            : wrongType(issue.input, 'an object such as { "backend": "local" }'),
      },
    )
    .optional()
    .meta({ description: "Where Terraform keeps its state; default: local files in state/." }),
}).meta({ title: "hybrid-gitops", description: "One project and its environments." });

/** The configuration as written, with types; see derive.ts for what follows from it. */
export type Configuration = z.output<typeof configurationSchema>;
export type EnvironmentConfiguration = Configuration["environments"][number];
export type PoolConfiguration = z.output<typeof pool>;
export type ApplicationConfiguration = NonNullable<Configuration["applications"]>[string];
export const environmentSchema = environment;

/** A key of Kubernetes: an optional DNS prefix and a name of at most 63 characters. */
function isLabelKey(key: string): boolean {
  const [name = "", prefix, ...rest] = key.split("/").reverse();
  return (
    rest.length === 0 &&
    name !== "" &&
    isLabelValue(name) &&
    (prefix === undefined ||
      (prefix.length <= 253 && prefix.split(".").every((label) => DNS_LABEL.test(label))))
  );
}

function isLabelValue(value: string): boolean {
  return /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$/.test(value);
}

/** DigitalOcean's largest volume. */
const MOST_MI = 16 * 1024 * 1024;

/** What DOKS gives to pods and services by itself. */
const RESERVED_RANGES = ["10.244.0.0/16", "10.245.0.0/16"];

function isOneLine(value: string): boolean {
  return !/[\u0000-\u001f\u007f]/.test(value) && !/[$%]\{/.test(value);
}

function isVpcRange(value: string): boolean {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(value);
  if (!match || /\b0\d/.test(value) || RESERVED_RANGES.some((reserved) => rangesOverlap(reserved, value)))
    return false;
  const [a = 0, b = 0, c = 0, d = 0, bits = 0] = match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || bits < 16 || bits > 24) return false;
  const address = ((a << 24) | (b << 16) | (c << 8) | d) >>> 0;
  const isNetworkAddress = (address & (2 ** (32 - bits) - 1)) === 0;
  return isNetworkAddress && (a === 10 || (a === 172 && b >= 16 && b <= 31) || (a === 192 && b === 168));
}
