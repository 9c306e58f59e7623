import { VALUES_CONFIG_MAP, VARIABLE_PREFIX, VARIABLES_CONFIG_MAP } from "../flux";

/** What hints need to know. */
export interface HintContext {
  readonly environment: string;
  /** The names of the variables that the configuration gives. */
  readonly variables: ReadonlySet<string>;
  /** The branch that Flux reads, when the configuration names it. */
  readonly branch?: string;
  /** A command line for the workspace, between backticks. */
  npmRun(command: string, ...args: string[]): string;
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace: string;
  readonly message: string;
}

interface Hint {
  readonly pattern: RegExp;
  readonly text: (match: RegExpExecArray, context: HintContext, subject: Subject) => string;
}

const deploy = ({ npmRun, environment }: HintContext): string =>
  npmRun("deploy", "--environment", environment);
const validate = ({ npmRun, environment }: HintContext): string =>
  npmRun("validate", "--environment", environment);

/**
 * Known messages of Flux 2.9 (source-controller 1.9, kustomize-controller 1.9, helm-controller 1.6), of Kustomize, SOPS and
 * Kubernetes. The first that fits counts, so causes stand before the messages that wrap them.
 */
const HINTS: readonly Hint[] = [
  {
    pattern: /(?:timeout waiting for|failed early due to stalled resources): \[(.*)\]/s,
    text: ([, list = ""]) => stuckWorkloads(list),
  },
  {
    pattern: /variable not set \(strict mode\): "([^"]+)"/,
    text: ([, name = ""], context) => undefinedVariable(name, context),
  },
  {
    pattern: /missing closing brace/,
    text: (_, context) =>
      `A variable is written with a dot or a dash (\${infraConfig.storage.bulk.size}); Flux takes letters, digits and underscores only. ${validate(context)} names the place and the right spelling, with --fix it is rewritten. Then commit and push.`,
  },
  {
    pattern: /'([^']+)' var name is invalid/,
    text: ([, name = ""], context) =>
      `A ConfigMap or Secret that this Kustomization substitutes from has the key "${name}", which can't be the name of a variable, and one such key stops all of it. substituteFrom belongs to ${VARIABLES_CONFIG_MAP} (not ${VALUES_CONFIG_MAP}); a key that was added there by hand is removed by: ${deploy(context)}`,
  },
  {
    pattern: /substitute from '(ConfigMap|Secret)\/([^']+)' error: .*not found/s,
    text: ([, kind = "", name = ""], context) => missingObject(kind, name, context),
  },
  {
    pattern: /could not resolve (ConfigMap|Secret) chart values reference '(?:[^/']+\/)?([^']+)'/,
    text: ([, kind = "", name = ""], context) => missingObject(kind, name, context),
  },
  {
    pattern: /cannot get .*decryption Secret '(?:[^/']+\/)?([^']+)'/,
    text: ([, name = ""], context) =>
      `The key that Flux decrypts with is not in the cluster. On the machine that has .secrets/${context.environment}: ${deploy(context)}${name === "sops-age" ? "" : ` (it is called sops-age, not ${name})`}`,
  },
  {
    pattern: /is SOPS encrypted, configuring decryption is required/,
    text: (_, context) =>
      `The Kustomization has no spec.decryption, so its encrypted Secrets can't be read. Add it as the others in flux/clusters/${context.environment} have it; ${validate(context)} checks it.`,
  },
  {
    pattern:
      /(?:failed to|cannot|error) decrypt|decryption (?:failed|error)|decryption Secret|sops (?:decrypted|metadata|mac)|sops:|as decrypted|data key/i,
    text: (_, context) =>
      `A Secret in Git can't be decrypted with the key in the cluster: it is encrypted for another one, or damaged. ${context.npmRun("secrets", "check")} says which file; the key gets into the cluster with: ${deploy(context)}`,
  },
  {
    pattern: /kustomization path not found/,
    text: (_, context) =>
      `The folder in spec.path is not in the branch that Flux reads. Commit and push it; ${validate(context)} checks the paths.`,
  },
  {
    pattern: /no matches for kind "([^"]+)"/,
    text: ([, kind = ""], context) =>
      `The cluster doesn't know the kind ${kind}: the controller that brings its definition isn't installed yet, or isn't waited for (dependsOn). ${validate(context)} checks dependsOn.`,
  },
  {
    pattern:
      /field is immutable|updates to statefulset spec for fields other than|is immutable after creation/i,
    text: () =>
      "Kubernetes can't change this field of an object that exists. Take the change in Git back, or delete the object by hand so that Flux recreates it; deleting a volume claim deletes its data.",
  },
  {
    pattern: /field can not be less than (?:previous value|status\.capacity)/,
    text: (_, context) =>
      `A volume would shrink, which volumes can't. Put the size back into Git, or keep it in the configuration; ${context.npmRun("diff")} prints the line for it.`,
  },
  {
    pattern: /exceeded quota/,
    text: () =>
      "The namespace's ResourceQuota leaves no room for it: raise the quota in Git, or choose a smaller profile in the configuration.",
  },
  {
    pattern: /namespaces? "([^"]+)" not found/,
    text: ([, namespace = ""], context) =>
      `Nothing has made the namespace ${namespace} yet. ${validate(context)} checks what each object needs.`,
  },
  {
    pattern: /values don't meet the specifications of the schema/,
    text: (_, context) =>
      `The chart refuses a value of the HelmRelease; the message names it. ${context.npmRun("preview", "--environment", context.environment, "--kind", "HelmRelease")} shows what it gets.`,
  },
  {
    pattern:
      /(?<![.\w])yaml: |YAMLToJSON|MalformedYAML|error converting YAML|mapping values are not allowed/i,
    text: (_, context) =>
      `A file is not valid YAML, before or after substitution. ${validate(context)} names file and line. Then commit and push.`,
  },
  {
    pattern: /kustomize build failed|accumulating resources|accumulation err/,
    text: (_, context) =>
      `The folder doesn't build. ${validate(context)} builds it as Flux does and names the file. Then commit and push.`,
  },
  {
    pattern:
      /unable to authenticate|authentication required|authorization failed|handshake failed|permission denied|invalid credentials|Bad credentials/i,
    text: (_, context) =>
      `Flux may not read the repository: its deploy key or token is missing, revoked or of another repository. To install the key again: ${deploy(context)}`,
  },
  {
    pattern: /key mismatch|knownhosts|host key/i,
    text: (_, context) =>
      `The Git server shows another host key than the one that Flux knows. If that is right (GitHub announces changes), install it again: ${deploy(context)}`,
  },
  {
    pattern: /repository not found|couldn't find remote ref|reference not found|repository is empty/i,
    text: (_, { branch, npmRun }) =>
      `The repository or its branch${branch ? ` ${branch}` : ""} is not there, or the key may not see it. Push the branch: ${npmRun("deploy", "--push")}; or correct "github" in the configuration.`,
  },
  {
    pattern: /^dependency '([^']+)'/,
    text: ([, name = ""], context) =>
      `It waits for ${name}, which is not in the cluster or waits for it in turn. Correct its dependsOn, or add what is missing; ${validate(context)} checks it.`,
  },
  {
    pattern: /Source '([^']+)' not found|could not get Source object/,
    text: (_, context) =>
      `The source that it names is not in the cluster. ${validate(context)} checks sourceRef.`,
  },
  {
    pattern:
      /no such host|connection refused|i\/o timeout|context deadline exceeded|Client\.Timeout|TLS handshake/i,
    text: () =>
      "Something that Flux fetches from, or waits for, doesn't answer. Flux tries again by itself; if it stays so, look at the address in the message and at the network policies of flux-system.",
  },
  {
    pattern:
      /retries exhausted|exceeded maximum retries|Failed to (?:install|upgrade) after \d+ attempt|Helm (?:install|upgrade) failed/i,
    text: (_, __, { name, namespace }) =>
      `Helm gave up. When the cause in the message is removed, let Flux try again: \`flux reconcile helmrelease ${name} -n ${namespace} --reset\``,
  },
  {
    pattern: /dry-run failed/,
    text: (_, context) =>
      `Kubernetes refuses the object; the message names the field. ${validate(context)} checks every object against its schema.`,
  },
];

/** What a message of Flux means and which command helps; undefined for messages that nobody foresaw. */
export function hintFor(subject: Subject, context: HintContext): string | undefined {
  for (const { pattern, text } of HINTS) {
    const match = pattern.exec(subject.message);
    if (match) return text(match, context, subject);
  }
  return undefined;
}

function undefinedVariable(name: string, context: HintContext): string {
  if (context.variables.has(name))
    return `The configuration gives \${${name}}, but the ConfigMap ${VARIABLES_CONFIG_MAP} in the cluster doesn't have it yet, or the Kustomization doesn't substitute from it: ${deploy(context)}`;
  if (name.startsWith(`${VARIABLE_PREFIX}_`))
    return `Nothing in the configuration gives \${${name}}. ${validate(context)} names the place and similar names; docs/variables.md lists all. Then commit and push.`;
  return `Nothing gives \${${name}}. If it was meant for a shell and not for Flux, write $\${${name}}; ${validate(context)} names the place. Then commit and push.`;
}

function missingObject(kind: string, name: string, context: HintContext): string {
  if (name === VARIABLES_CONFIG_MAP || name === VALUES_CONFIG_MAP)
    return `The ConfigMap ${name} is not where Flux looks for it, the object's own namespace. It is made in flux-system by: ${deploy(context)}`;
  return `The ${kind} ${name} is not in the object's own namespace. Add it, correct its name, or mark it as optional.`;
}

/** `Deployment/chatbox/server status: 'InProgress', …` */
function stuckWorkloads(list: string): string {
  const stuck = [...list.matchAll(/(\w+)\/([\w.-]+)(?:\/([\w.-]+))? status: '(\w+)'/g)];
  const releases = stuck.filter(([, kind]) => kind === "HelmRelease" || kind === "Kustomization");
  if (releases.length > 0)
    return `It waits for ${releases.map(([, kind, namespace, name]) => `${kind} ${name ?? namespace}`).join(", ")}, among others: look there.`;
  const [first] = stuck;
  if (!first) return "What it applied did not become ready in time.";
  const [, kind = "", namespace, name] = first;
  const command =
    name === undefined
      ? `\`kubectl describe ${kind.toLowerCase()} ${namespace}\``
      : `\`kubectl -n ${namespace} describe ${kind.toLowerCase()} ${name}\` \`kubectl -n ${namespace} get events --sort-by=.lastTimestamp\``;
  return `It was applied and did not become ready in time: ${stuck.length === 1 ? "one object" : `${stuck.length} objects`}. Its events say why:  ${command}`;
}
