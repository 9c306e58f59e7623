import { type Deployment, deploy } from "../../../../src/commands/deploy";
import { destroy } from "../../../../src/commands/destroy";
import type { StackResult } from "../../../../src/deployment/apply-all";
import { Output } from "../../../../src/terminal/output";
import { openWorkspace, type Workspace } from "../../../../src/workspace";
import type { SandboxProject } from "../../../support/sandbox-project";

/** An output that is kept instead of printed. */
export class KeptOutput extends Output {
  text = "";

  constructor() {
    super(false);
  }

  override line(text = ""): void {
    this.text += `${text}\n`;
  }

  override problem(text: string): void {
    this.text += `${text}\n`;
  }
}

/** What a deploy, or a destroy, came to. */
export interface Deployed {
  readonly exitCode: number;
  readonly text: string;
  readonly stacks: readonly StackResult[];
}

/** Works in a sandbox within this process: the commands, terraform, plans and states are the real ones. */
export async function inSandbox<T>(
  { name }: SandboxProject,
  work: (workspace: Workspace) => Promise<T>,
): Promise<T> {
  const workspace = await openWorkspace({ command: "deploy", sandbox: name });
  try {
    return await work(workspace);
  } finally {
    await workspace.close();
  }
}

const UNDISTURBED = { reason: () => undefined, end: () => undefined };

/** What the changed deploy of the tests changes, and means: Flux in both environments follows another branch. */
const MEANT = {
  allow: ["repository-change"],
  confirm: ["my-startup-production"],
} satisfies Pick<Deployment["options"], "allow" | "confirm">;

/** A deploy of some stacks, or of everything, as with --yes. */
export async function deployIn(workspace: Workspace, stack: string[] = []): Promise<Deployed> {
  const output = new KeptOutput();
  const { exitCode, stacks } = await deploy({
    workspace,
    output,
    interruption: UNDISTURBED,
    options: { environment: [], stack, yes: true, ...MEANT },
  });
  return { exitCode, stacks, text: output.text };
}

/** A destruction of some stacks, or of a whole environment, as with --yes. */
export async function destroyIn(
  workspace: Workspace,
  environment: string,
  stack: readonly string[] = [],
): Promise<Deployed> {
  const output = new KeptOutput();
  const { exitCode, stacks = [] } = await destroy({
    workspace,
    output,
    interruption: UNDISTURBED,
    options: { environment: stack.length > 0 ? [] : [environment], stack: [...stack], yes: true },
  });
  return { exitCode, stacks, text: output.text };
}
