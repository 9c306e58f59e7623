import { hintFor } from "../../src/cluster/flux-hints";

const context = {
  environment: "staging",
  variables: new Set(["infraConfig_storage_bulk_size"]),
  branch: "main",
  npmRun: (name: string, ...words: string[]) =>
    ["npm run", name, ...(words.length > 0 ? ["--", ...words] : [])].join(" "),
};
const DEPLOY = "npm run deploy -- --environment staging";
const VALIDATE = "npm run validate -- --environment staging";

const hint = (message: string): string | undefined =>
  hintFor({ kind: "Kustomization", name: "it", namespace: "flux-system", message }, context);

/** Messages as the controllers write them, with the words and the command that a user needs. */
test.each([
  [
    "post build failed for 'Deployment/x': variable substitution failed: variable not set (strict mode): \"infraConfig_storage_bulk_sise\"",
    /Nothing in the configuration gives \$\{infraConfig_storage_bulk_sise\}.*docs\/variables\.md/,
    VALIDATE,
  ],
  [
    'variable not set (strict mode): "infraConfig_storage_bulk_size"',
    /infrastructure-vars in the cluster doesn't have it yet/,
    DEPLOY,
  ],
  ['variable not set (strict mode): "HOME"', /meant for a shell.*write \$\$\{HOME\}/, VALIDATE],
  ["variable substitution failed: missing closing brace", /a dot or a dash/, VALIDATE],
  [
    "'values.yaml' var name is invalid, must match '^[_[:alpha:]][_[:alpha:][:digit:]]*$'",
    /the key "values\.yaml"/,
    DEPLOY,
  ],
  [
    `substitute from 'ConfigMap/infrastructure-vars' error: configmaps "infrastructure-vars" not found`,
    /made in flux-system/,
    DEPLOY,
  ],
  [
    `substitute from 'ConfigMap/nope' error: configmaps "nope" not found`,
    /The ConfigMap nope is not in the object's own namespace/,
    "optional",
  ],
  [
    `could not resolve ConfigMap chart values reference 'apps/infrastructure-config' with key 'values.yaml': configmaps "infrastructure-config" not found`,
    /ConfigMap infrastructure-config is not where Flux looks for it, the object's own namespace/,
    DEPLOY,
  ],
  [
    "cannot get sops decryption Secret 'flux-system/sops-age': secrets \"sops-age\" not found",
    /not in the cluster.*\.secrets\/staging/,
    DEPLOY,
  ],
  [
    "decryption failed for '/v1, Kind=Secret/db': cannot get sops data key: Error getting data key: 0 successful groups required, got 0",
    /can't be decrypted/,
    "npm run secrets -- check",
  ],
  [
    "Secret/db is SOPS encrypted, configuring decryption is required for this secret to be reconciled",
    /no spec\.decryption/,
    VALIDATE,
  ],
  [
    "kustomization path not found: stat /tmp/kustomization-1/flux/apps/nope: no such file or directory",
    /not in the branch/,
    VALIDATE,
  ],
  [
    "kustomize build failed: accumulating resources: accumulation err='accumulating resources from 'x.yaml': evalsymlink failure on 'x.yaml' : lstat x.yaml: no such file or directory'",
    /doesn't build/,
    VALIDATE,
  ],
  [
    "kustomize build failed: accumulating resources from 'd.yaml': MalformedYAMLError: yaml: line 4: mapping values are not allowed in this context in File: d.yaml",
    /not valid YAML/,
    VALIDATE,
  ],
  [
    "failed to checkout and determine revision: unable to clone 'ssh://git@github.com/a/b': ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey]",
    /may not read the repository/,
    DEPLOY,
  ],
  [
    "failed to checkout and determine revision: unable to list remote for 'https://github.com/a/b': authentication required: Repository not found.",
    /may not read the repository/,
    DEPLOY,
  ],
  [
    'failed to checkout and determine revision: unable to clone: couldn\'t find remote ref "refs/heads/main"',
    /its branch main is not there/,
    "npm run deploy -- --push",
  ],
  [
    "failed to checkout and determine revision: unable to clone: ssh: knownhosts: key mismatch",
    /another host key/,
    DEPLOY,
  ],
  [
    'failed to fetch Helm repository index: Get "https://charts.example.com/index.yaml": dial tcp: lookup charts.example.com: no such host',
    /doesn't answer/,
    "network policies",
  ],
  [
    'Deployment/x dry-run failed (Invalid): Deployment.apps "x" is invalid: spec.selector: Invalid value: {}: field is immutable',
    /can't change this field/,
    "delete the object by hand",
  ],
  [
    "StatefulSet/a/b dry-run failed (Invalid): StatefulSet.apps \"b\" is invalid: spec: Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
    /can't change this field/,
    "deletes its data",
  ],
  [
    "PersistentVolumeClaim/a/b dry-run failed (Forbidden): spec.resources.requests.storage: Forbidden: field can not be less than status.capacity",
    /would shrink/,
    "npm run diff",
  ],
  [
    'Certificate/a/b dry-run failed: no matches for kind "Certificate" in version "cert-manager.io/v1"',
    /doesn't know the kind Certificate/,
    VALIDATE,
  ],
  [
    "Deployment/a/b dry-run failed (Invalid): spec.replicas: Invalid value: -1",
    /refuses the object/,
    VALIDATE,
  ],
  [
    "health check failed after 5m0.2s: timeout waiting for: [Deployment/chatbox/server status: 'InProgress']",
    /did not become ready in time: one object/,
    "kubectl -n chatbox describe deployment server",
  ],
  [
    "health check failed after 5m: failed early due to stalled resources: [Deployment/a/b status: 'Failed': boom, StatefulSet/a/c status: 'InProgress']",
    /2 objects/,
    "kubectl -n a describe deployment b",
  ],
  [
    "Helm install failed for release a/b with chart c@1.0.0: values don't meet the specifications of the schema(s) in the following chart(s): replicas is required",
    /chart refuses a value/,
    "npm run preview",
  ],
  [
    "Helm upgrade failed for release a/b with chart c@1.0.0: something new\nFailed to upgrade after 3 attempt(s)",
    /Helm gave up/,
    "flux reconcile helmrelease it -n flux-system --reset",
  ],
  [
    "dependency 'flux-system/nope' not found: kustomizations \"nope\" not found",
    /waits for flux-system\/nope/,
    VALIDATE,
  ],
])("%s", (message, words, command) => {
  const text = hint(message);
  expect(text).toMatch(words);
  expect(text).toContain(command);
});

test.each([
  "timeout waiting for: [Deployment/sops-operator/sops status: 'InProgress']",
  "timeout waiting for: [Deployment/decryptor/web status: 'InProgress']",
])("names of workloads are not taken for messages: %s", (message) => {
  expect(hint(message)).toMatch(/^It was applied and did not become ready in time/);
});

test("a message that nobody foresaw has no hint rather than a wrong one", () => {
  expect(hint("the flux capacitor is empty")).toBeUndefined();
});
