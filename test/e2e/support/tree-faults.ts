import { rmSync } from "node:fs";
import path from "node:path";
import type { LiveWorld } from "./live-world";

/** A mistake of a user in the tree: who says what of it. */
export interface TreeFault {
  readonly mistake: string;
  /** The Flux Kustomization that it stops. */
  readonly system: string;
  /** The file with the mistake, and a text of the wrong line. */
  readonly file: string;
  readonly line: string;
  readonly edit: (text: string) => string;
  /** Another file that the mistake takes. */
  readonly beside?: { readonly file: string; readonly edit: (text: string) => string };
  /** The finding of `npm run validate`; `{place}` stands for the file and the number of the line, `{sandbox}` for its name. */
  readonly finding: string;
  /** The message of Flux's own controller. */
  readonly message: string | RegExp;
}

const CLUSTER = "flux/clusters/staging";
const source = (name: string): string => `      - kind: ConfigMap\n        name: ${name}\n`;

/** One system each, so that all of them can be made at once. */
export const TREE_FAULTS: readonly TreeFault[] = [
  {
    mistake: "a variable that nothing produces",
    system: "mattermost",
    file: "flux/apps/mattermost/staging/helm-release.yaml",
    line: "infraConfig_nope",
    edit: (text) => `${text}    shift: \${infraConfig_nope}\n`,
    finding:
      "{place}: nothing produces ${infraConfig_nope}; take one of docs/variables.md, or give it a value of its own: ${infraConfig_nope:=value} (variables)",
    message:
      'envsubst error: variable substitution failed: variable not set (strict mode): "infraConfig_nope"',
  },
  {
    mistake: "the dotted form of a variable",
    system: "traversion",
    file: "flux/apps/traversion/staging/config.yaml",
    line: "infraConfig.storage",
    edit: (text) => `${text}  STORAGE: \${infraConfig.storage.bulk.size}\n`,
    finding:
      "{place}: ${infraConfig.storage.bulk.size} can't work: Flux takes names of letters, digits and underscores only, and Helm never expands a variable in values; write ${infraConfig_storage_bulk_size} (npm run validate -- --sandbox {sandbox} --fix does it) (variables)",
    message: "envsubst error: variable substitution failed: missing closing brace",
  },
  {
    mistake: "a ConfigMap that nothing makes",
    system: "fade",
    file: `${CLUSTER}/fade.yaml`,
    line: "shared-settings",
    edit: (text) => text + source("shared-settings"),
    finding:
      "{place}: substitutes from the ConfigMap flux-system/shared-settings, which nothing makes: Flux applies nothing of fade until it is there; add it to flux/clusters/staging, name infrastructure-vars, or write optional: true where it may be missing (variables)",
    message: "substitute from 'ConfigMap/shared-settings' error: configmaps \"shared-settings\" not found",
  },
  {
    mistake: "the ConfigMap of Helm's values, whose key has a dot",
    system: "infrastructure-backups",
    file: `${CLUSTER}/infrastructure-backups.yaml`,
    line: "infrastructure-config",
    edit: (text) => text + source("infrastructure-config"),
    finding:
      "{place}: substitutes from infrastructure-config, whose key values.yaml is no name of a variable: Flux refuses the whole ConfigMap; name infrastructure-vars (variables)",
    message: "'values.yaml' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'",
  },
  {
    mistake: "a ConfigMap of the user's own with a dash in a key",
    system: "fluxgate",
    file: `${CLUSTER}/log-settings.yaml`,
    line: "log-level",
    edit: () =>
      "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: log-settings\n  namespace: flux-system\ndata:\n  log-level: debug\n",
    beside: { file: `${CLUSTER}/fluxgate.yaml`, edit: (text) => text + source("log-settings") },
    finding:
      "{place}: the ConfigMap log-settings has the key log-level, which is no name of a variable: Flux refuses the whole ConfigMap, and applies nothing of fluxgate, which substitutes from it; write log_level, or leave log-settings out of substituteFrom in flux/clusters/staging/fluxgate.yaml (variables)",
    message: "'log-level' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'",
  },
  {
    mistake: "a tab in an overlay",
    system: "nextcloud",
    file: "flux/apps/nextcloud/staging/helm-release.yaml",
    line: "\t",
    edit: (text) => `${text}\treplicas: 1\n`,
    finding:
      "{place}: is not YAML that Kubernetes takes: Tabs are not allowed as indentation; indent with spaces (files)",
    message: /unable to parse SM or JSON patch from \[path: "helm-release\.yaml"\]/,
  },
  {
    mistake: "a line that is indented too little",
    system: "infrastructure-dns",
    file: "flux/infrastructure/dns/staging/kustomization.yaml",
    line: " - secrets",
    edit: (text) => text.replace("\n  - secrets\n", "\n - secrets\n"),
    finding:
      "{place}: is not YAML that Kubernetes takes: This entry of a list is indented like no line before it; indent it as the lines beside it, or close the quote or bracket before it (files)",
    message: "error converting YAML to JSON: yaml: line 4: did not find expected key",
  },
  {
    mistake: "a number where Kubernetes wants a text",
    system: "chatbox",
    file: "flux/apps/chatbox/base/server/deployment.yaml",
    line: "infraConfig_cluster_nodeCount",
    edit: (text) =>
      text.replace(
        "          envFrom:\n",
        "          env:\n            - name: NODES\n              value: ${infraConfig_cluster_nodeCount}\n          envFrom:\n",
      ),
    finding:
      "Deployment chatbox/chatbox in flux/apps/chatbox/staging: spec.template.spec.containers.0.env NODES ({place}): a number or a boolean, where the API wants a string; put it in quotes; around a variable write ${quote}${…}${quote}, since kustomize drops plain quotes (objects)",
    message: /Deployment\/chatbox\/chatbox dry-run failed: .*\.env\[name="NODES"\]\.value: expected string/s,
  },
];

/** Makes the mistakes in the project's tree; the returned function takes them back. */
export function withFaults({ project }: LiveWorld, faults: readonly TreeFault[]): () => void {
  const before = new Map<string, string>();
  const edit = (file: string, change: (text: string) => string): void =>
    project.edit(file, (text) => {
      if (!before.has(file)) before.set(file, text);
      const changed = change(text);
      if (changed === text) throw new Error(`${file} has no place for the mistake of this test`);
      return changed;
    });
  for (const { file, edit: change, beside } of faults) {
    edit(file, change);
    if (beside) edit(beside.file, beside.edit);
  }
  return () => {
    for (const [file, text] of before) {
      if (text === "") rmSync(path.join(project.project.directory, file));
      else project.edit(file, () => text);
    }
  };
}

/** `flux/apps/x/y.yaml:12`, the line that has a fault. */
export function placeOf({ project }: LiveWorld, { file, line }: TreeFault): string {
  const lines = project.project.read(file).split("\n");
  const index = lines.findLastIndex((text) => text.includes(line));
  if (index < 0) throw new Error(`${file} has no line with ${JSON.stringify(line)}`);
  return `${file}:${index + 1}`;
}
