import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { type Outputs, type Variables, valuesOf } from "./plan";
import { readStackDocument, type StackDocument } from "./stack-document";
import { withTemporaryFolder } from "./temporary-folder";
import { runTerraform } from "./terraform";

/** What this program reads of a state. */
export interface StateDocument {
  readonly outputs?: Outputs;
  readonly resources?: readonly {
    readonly mode: "managed" | "data";
    readonly type: string;
    readonly name: string;
    readonly instances: readonly {
      readonly status?: string;
      readonly deposed?: string;
      readonly attributes?: Readonly<Record<string, unknown>>;
    }[];
  }[];
}

/** How much of a stack is deployed. */
export interface StackDeployment {
  readonly state: "deployed" | "partly deployed" | "not deployed";
  /** Resources in the state. */
  readonly resources: number;
  /** Addresses of resources that the configuration has and the state doesn't. */
  readonly missing: readonly string[];
  /** Addresses of resources that the state has and the configuration doesn't: the next deploy removes them. */
  readonly surplus: readonly string[];
  /** Addresses of resources that an interrupted run left half made: the next deploy replaces them. */
  readonly tainted: readonly string[];
  /** Values that the stack tells people and other stacks. */
  readonly outputs: Readonly<Record<string, unknown>>;
}

/** Compares what a stack has with what is in its state, by addresses only: it plans nothing and asks no cloud. */
export function stackDeployment(document: StackDocument, state: StateDocument): StackDeployment {
  const wanted = Object.entries(document.resource ?? {}).flatMap(([type, byName]) =>
    Object.keys(byName).map((name) => `${type}.${name}`),
  );
  const managed = (state.resources ?? []).filter(
    ({ mode, instances }) => mode === "managed" && instances.length > 0,
  );
  const found = managed.map(({ type, name }) => `${type}.${name}`);
  const [missing, surplus] = [
    wanted.filter((one) => !found.includes(one)),
    found.filter((one) => !wanted.includes(one)),
  ];
  const tainted = managed
    .filter(({ instances }) =>
      instances.some(({ status, deposed }) => status === "tainted" || deposed !== undefined),
    )
    .map(({ type, name }) => `${type}.${name}`);
  const complete = missing.length + surplus.length + tainted.length === 0;
  return {
    state:
      found.length === 0 && wanted.length > 0 ? "not deployed" : complete ? "deployed" : "partly deployed",
    resources: managed.reduce((sum, { instances }) => sum + instances.length, 0),
    missing: found.length === 0 ? [] : missing,
    surplus,
    tainted,
    outputs: valuesOf(state.outputs ?? {}),
  };
}

/**
 * The state of a stack, without a lock and without touching the stack's directory, so that it can be read while a deploy works
 * there. Local states are files; others are fetched by a terraform that knows the backend only.
 * @param stack `directory` is where terraform runs for it: paths are relative to that. Its document is read from there unless it is given,
 * as for a stack that is not synthesized there
 * @throws Error when it can't be read, TerraformError when terraform can't fetch it
 */
export async function readState(
  stack: { readonly name: string; readonly directory: string; readonly document?: StackDocument },
  variables: Variables,
): Promise<StateDocument> {
  const { backend } = (stack.document ?? readStackDocument(stack)).terraform ?? {};
  return backend?.local
    ? readLocalState(stack.name, resolve(stack.directory, backend.local.path))
    : pullState(stack.name, backend, variables);
}

const ATTEMPTS = 5;
const BETWEEN_ATTEMPTS_MS = 100;

async function readLocalState(name: string, file: string): Promise<StateDocument> {
  for (let attempt = 1; ; attempt++) {
    try {
      // terraform makes the file, empty at first, as soon as it takes the lock.
      return JSON.parse(readFileSync(file, "utf8") || "{}") as StateDocument;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return {};
      // terraform writes the file in place: a reader can come in the middle of it.
      if (!(error instanceof SyntaxError) || attempt === ATTEMPTS)
        throw new Error(`state of ${name} can't be read (${file}): ${(error as Error).message}`);
      await new Promise((proceed) => setTimeout(proceed, BETWEEN_ATTEMPTS_MS));
    }
  }
}

function pullState(name: string, backend: unknown, variables: Variables): Promise<StateDocument> {
  return withBackend(name, backend, variables, async (run) => {
    const { stdout } = await runTerraform({ ...run, arguments: ["state", "pull"] });
    return JSON.parse(stdout || "{}") as StateDocument;
  });
}

export interface PushOptions {
  readonly variables: Variables;
  /** Write over a state of another lineage, too. */
  readonly force?: boolean;
}

/**
 * Writes the state of a stack through terraform, so that its locks are kept to, without touching the stack's directory.
 * @param content a whole state file; its serial has to be above the one that is there
 * @throws TerraformError when somebody holds the lock, or when the state that is there is of another lineage or newer
 */
export async function pushState(
  stack: { readonly name: string; readonly directory: string; readonly document: StackDocument },
  content: string,
  { variables, force = false }: PushOptions,
): Promise<void> {
  const { backend } = stack.document.terraform ?? {};
  const path = backend?.local && resolve(stack.directory, backend.local.path);
  await withBackend(stack.name, path ? { local: { path } } : backend, variables, async (run) => {
    writeFileSync(join(run.directory, "pushed.tfstate"), content, { mode: 0o600 });
    await runTerraform({
      ...run,
      arguments: [
        "state",
        "push",
        "-no-color",
        "-lock-timeout=30s",
        ...(force ? ["-force"] : []),
        "pushed.tfstate",
      ],
    });
  });
}

/** Runs something in a folder where terraform knows a backend and nothing else. */
function withBackend<T>(
  stack: string,
  backend: unknown,
  variables: Variables,
  work: (run: { stack: string; directory: string; env: Variables }) => Promise<T>,
): Promise<T> {
  return withTemporaryFolder("state", async (directory) => {
    writeFileSync(join(directory, "backend.tf.json"), JSON.stringify({ terraform: { backend } }));
    const run = { stack, directory, env: variables };
    await runTerraform({ ...run, arguments: ["init", "-input=false", "-no-color"] });
    return work(run);
  });
}
