import type { Command } from "commander";
import { describeLock, openSpacesStore, readLock, unlockState } from "../state";
import { confirm, isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import type { Workspace } from "../workspace";
import type { CommonOptions } from "./options";
import { inStateWorkspace, stateSubcommand } from "./state-workspace";

interface UnlockOptions extends Pick<CommonOptions, "sandbox" | "yes" | "json"> {
  readonly stack: string;
  readonly id?: string;
}

/** `npm run state -- unlock`: removes a lock that a killed command has left in the bucket. */
export function stateUnlockCommand(): Command {
  return stateSubcommand(
    "unlock",
    "remove the lock of one stack's state from the bucket, when the command that took it is gone",
    ["sandbox", "yes", "json"],
  )
    .requiredOption("--stack <name>", "the stack, such as staging-cluster")
    .option("--id <id>", "the lock's id, as the refused command named it")
    .action((options: UnlockOptions) =>
      inStateWorkspace(options, (workspace, output) => unlock(workspace, output, options)),
    );
}

async function unlock(
  { project, directory, variables, npmRun }: Workspace,
  output: Output,
  { stack, id, yes }: UnlockOptions,
): Promise<number> {
  const told = (exitCode: number, unlocked: boolean): number => {
    output.result({ exitCode, stack, unlocked });
    return exitCode;
  };
  if (project.state.backend === "local") {
    output.line(
      `There is nothing to unlock: the lock of a local state goes with the process that holds it. ${npmRun("state", "check")} says which one that is.`,
    );
    return told(0, false);
  }
  const { bucket } = await openSpacesStore(project.state, variables, { directory });
  const lock = await readLock(bucket, stack);
  if (lock === undefined) {
    output.line(`${stack}: there is no lock on its state in the ${bucket.description}.`);
    return told(0, false);
  }
  output.line(`${stack}: ${describeLock(lock.info)}`);
  if (id === undefined) {
    output.problem(
      `Is that command really gone? Two at work on one state would lose what one of them does. If it is: ${npmRun("state", "unlock", "--stack", stack, "--id", lock.info.id ?? "<id>")}`,
    );
    return told(1, false);
  }
  if (lock.info.id !== id) {
    output.problem(
      `Its id is ${lock.info.id ?? "not readable"}, not ${id}: somebody else has taken it since. Nothing was removed.`,
    );
    return told(1, false);
  }
  if (!yes) {
    if (!isInteractive()) {
      output.problem(
        "This needs approval, but this is not a terminal. Pass --yes to remove it without a question.",
      );
      return told(1, false);
    }
    if (!(await confirm("Has that command ended, and is the lock to be removed?"))) return told(1, false);
  }
  await unlockState(bucket, stack, lock);
  output.line(`The lock is removed. Next: ${npmRun("deploy")}, which goes on from the state.`);
  return told(0, true);
}
