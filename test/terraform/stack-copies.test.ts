import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { SynthesizedStack } from "../../src/terraform";
import { assumeOutputs } from "../../src/terraform/assumed-outputs";
import { emptyStack } from "../../src/terraform/emptied-stack";
import { importingCopy } from "../../src/terraform/importing-stack";

const state = (stack: string) => `cross-stack-reference-input-${stack}`;
const reference = (stack: string, output: string) =>
  `\${data.terraform_remote_state.${state(stack)}.outputs.${output}}`;
const stack = JSON.stringify({
  data: {
    terraform_remote_state: {
      [state("staging-cluster")]: { backend: "local" },
      [state("staging-flux-configuration")]: { backend: "local" },
    },
    digitalocean_kubernetes_cluster: { cluster: { name: reference("staging-cluster", "name") } },
  },
  resource: {
    kubernetes_namespace_v1: { "flux-system": { lifecycle: { prevent_destroy: true } } },
    github_actions_variable: {
      id: {
        value: reference("staging-cluster", "id"),
        other: reference("staging-flux-configuration", "namespace"),
      },
    },
  },
  output: { x: { value: "1" } },
});

test("the remote state of an undeployed stack is replaced wherever it is read, others stay", () => {
  const result = JSON.parse(assumeOutputs(stack, ["staging-cluster"]));
  const standIn = state("staging-cluster");
  expect(Object.keys(result.data.terraform_remote_state)).toEqual([state("staging-flux-configuration")]);
  expect(result.resource.terraform_data).toEqual({
    [standIn]: { input: { name: "assumed", id: "assumed" } },
  });
  expect(result.data.digitalocean_kubernetes_cluster.cluster.name).toBe(
    `\${terraform_data.${standIn}.output.name}`,
  );
  expect(result.resource.github_actions_variable.id).toEqual({
    value: `\${terraform_data.${standIn}.output.id}`,
    other: reference("staging-flux-configuration", "namespace"),
  });
});

test("to destroy a stack its resources and outputs go, a protected namespace is left behind", () => {
  const result = JSON.parse(emptyStack(stack, "staging-flux-configuration", "forgotten"));
  expect(result.resource).toBeUndefined();
  expect(result.output).toBeUndefined();
  expect(result.data.digitalocean_kubernetes_cluster).toBeDefined();
  expect(result.removed).toEqual([
    { from: "kubernetes_namespace_v1.flux-system", lifecycle: { destroy: false } },
  ]);
});

test("a stack with another protected resource is refused by its address", () => {
  const production = JSON.stringify({
    resource: { digitalocean_kubernetes_cluster: { cluster: { lifecycle: { prevent_destroy: true } } } },
  });
  expect(() => emptyStack(production, "production-cluster", "kept")).toThrow(
    "production-cluster: digitalocean_kubernetes_cluster.cluster is protected and can't be destroyed",
  );
});

test("while its cluster stays, the namespace stays in the state too, so that the next deploy finds it", () => {
  const result = JSON.parse(emptyStack(stack, "staging-flux-configuration", "kept"));
  expect(result.removed).toBeUndefined();
  expect(result.resource).toEqual({
    kubernetes_namespace_v1: { "flux-system": { lifecycle: { prevent_destroy: true } } },
  });
});

test("a copy in which Terraform left a state is not made anew", () => {
  const output = mkdtempSync(join(tmpdir(), "hybrid-gitops-stack-copies-test-"));
  try {
    const directory = join(output, "stacks", "staging-cluster");
    const left = join(output, "importing", "staging-cluster", "errored.tfstate");
    for (const folder of [directory, dirname(left)]) mkdirSync(folder, { recursive: true });
    writeFileSync(join(directory, "cdk.tf.json"), stack);
    writeFileSync(left, "{}");
    const copy = () =>
      importingCopy({ name: "staging-cluster", directory, dependencies: [] } as SynthesizedStack, []);
    expect(copy).toThrow(`staging-cluster: Terraform could not write its state and left it in ${left}.`);
    expect(readFileSync(left, "utf8")).toBe("{}");
    rmSync(left);
    expect(copy().directory).toBe(dirname(left));
  } finally {
    rmSync(output, { recursive: true });
  }
});
