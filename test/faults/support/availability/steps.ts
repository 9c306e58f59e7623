import { readPlan, type StackPlan, type SynthesizedStack, type Variables } from "../../../../src/terraform";

/** One thing that terraform does with one resource, and that can fail. */
export interface Step {
  readonly stack: string;
  readonly address: string;
  readonly provider: string;
  readonly type: string;
  /** The name by which the sandbox's faults find the object; absent where it has none before it is made. */
  readonly name?: string;
  readonly operation: "plan" | "create" | "read" | "update" | "delete";
}

interface Planned {
  readonly address: string;
  readonly mode: "managed" | "data";
  readonly type: string;
  readonly provider_name: string;
  readonly values?: object;
}
interface PlanDocument {
  readonly resource_changes?: ReadonlyArray<
    Planned & {
      readonly change: {
        readonly actions: readonly string[];
        readonly before: unknown;
        readonly after: unknown;
      };
    }
  >;
  readonly configuration: {
    readonly root_module: {
      readonly resources: ReadonlyArray<{ readonly address: string; readonly expressions?: object }>;
    };
  };
  readonly prior_state?: {
    readonly values?: { readonly root_module?: { readonly resources?: readonly Planned[] } };
  };
}

/** What terraform calls the provider for, by the actions of a planned change. */
const OPERATIONS: Readonly<Record<string, ReadonlyArray<Step["operation"]>>> = {
  create: ["plan", "create"],
  update: ["read", "plan", "update"],
  delete: ["read", "delete"],
  "create,delete": ["read", "plan", "create", "delete"],
  "delete,create": ["read", "plan", "create", "delete"],
  "no-op": ["read", "plan"],
  read: ["read"],
  forget: ["read"],
};

/** Every step of a saved plan, so that what is added to the stacks is struck without anybody thinking of it. */
export async function stepsOf(
  stack: Pick<SynthesizedStack, "name" | "directory">,
  variables: Variables,
): Promise<Step[]> {
  const plan = (await readPlan({ ...stack, dependencies: [] }, variables)) as unknown as PlanDocument;
  const changes = (plan.resource_changes ?? []).flatMap(({ change, ...resource }) => {
    const operations = OPERATIONS[change.actions.join(",")];
    if (!operations) throw new Error(`${resource.address}: unknown actions ${change.actions}`);
    return operations.map((operation) =>
      stepOf(stack.name, resource, operation, valuesAt(operation, change)),
    );
  });
  const data = (plan.prior_state?.values?.root_module?.resources ?? [])
    .filter(({ mode }) => mode === "data")
    .map((resource) => stepOf(stack.name, resource, "read", configured(plan, resource)));
  return [...changes, ...data].filter(({ provider }) => provider !== "terraform");
}

/** The object is read and deleted as it was, and planned, made and changed as it will be: its name can be another one. */
function valuesAt(
  operation: Step["operation"],
  { before, after }: { before: unknown; after: unknown },
): unknown {
  return operation === "read" || operation === "delete" ? (before ?? after) : (after ?? before);
}

/** The values of a data source that are its arguments: it is asked for by them. */
function configured({ configuration }: PlanDocument, { address, values }: Planned): unknown {
  const { expressions = {} } =
    configuration.root_module.resources.find((resource) => resource.address === address) ?? {};
  return Object.fromEntries(Object.entries(values ?? {}).filter(([name]) => name in expressions));
}

function stepOf(
  stack: string,
  { address, type, provider_name }: Planned,
  operation: Step["operation"],
  values: unknown,
): Step {
  const name = nameOf(values);
  const provider = provider_name.split("/").pop() as string;
  return { stack, address, provider, type, ...(name === undefined ? {} : { name }), operation };
}

function nameOf(values: unknown): string | undefined {
  const object = (values ?? {}) as Record<string, any>;
  const names = [object.name, object.secret_name, object.variable_name, object.environment, object.title];
  return [...names, object.metadata?.[0]?.name].find((name) => typeof name === "string");
}

/** Steps that one entry of the sandbox's faults stands for. */
export function groups(steps: readonly Step[]): Step[][] {
  const byKey = new Map<string, Step[]>();
  for (const step of steps) {
    const key = [step.provider, step.type, step.operation, step.name].join("\n");
    byKey.set(key, [...(byKey.get(key) ?? []), step]);
  }
  return [...byKey.values()];
}

/** For messages and for the table at the end of `npm run test:faults`. */
export const pointOf = ({ stack, address, operation }: Step): string => `${stack}: ${operation} ${address}`;

export type { StackPlan };
