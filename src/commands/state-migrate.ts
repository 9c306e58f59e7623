import { join } from "node:path";
import type { Command } from "commander";
import type { SpacesBackend } from "../config";
import { watchInterruption } from "../deployment/interruption";
import { shownPath } from "../place";
import {
  MigratingLocalStore,
  MigratingSpacesStore,
  type MigrationStep,
  markBucket,
  migrateStates,
  openSpacesStore,
  planMigration,
  STATE_FOLDER,
  unmarkBucket,
} from "../state";
import { confirm, isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";
import type { Workspace } from "../workspace";
import type { CommonOptions } from "./options";
import { inStateWorkspace, stateSubcommand } from "./state-workspace";

interface MigrateOptions extends Pick<CommonOptions, "sandbox" | "yes" | "json"> {
  readonly toLocal?: boolean;
}

/** `npm run state -- migrate`: local states to the bucket, or back. */
export function stateMigrateCommand(): Command {
  return stateSubcommand(
    "migrate",
    "move the states of state/ to the bucket; each is verified there before the local files are moved to state/retired/",
    ["sandbox", "yes", "json"],
  )
    .option("--to-local", "the other way round, before the configuration goes back to local states")
    .action((options: MigrateOptions) =>
      inStateWorkspace(options, async (workspace, output) => {
        const interruption = watchInterruption(output);
        const checkpoint = (): void => {
          const reason = interruption.reason();
          if (reason) throw new Error(`${reason}. Both places have what they had; run the command again.`);
        };
        try {
          return await migrate(workspace, output, options, checkpoint);
        } finally {
          interruption.end();
        }
      }),
    );
}

async function migrate(
  workspace: Workspace,
  output: Output,
  options: MigrateOptions,
  checkpoint: () => void,
): Promise<number> {
  const { project, directory, variables, npmRun } = workspace;
  if (project.state.backend === "local")
    throw new Error(
      `The configuration keeps the states in ${shownPath(directory, STATE_FOLDER)}/ ("backend": "local"), so that there is no bucket to move them ${options.toLocal ? "from" : "to"}. Put the bucket into the configuration first: docs/state.md#a-bucket-for-a-team`,
    );
  const state: SpacesBackend = project.state;
  const folder = join(directory, STATE_FOLDER);
  const local = new MigratingLocalStore(folder, `${shownPath(directory, STATE_FOLDER)}/`);
  const bucket = new MigratingSpacesStore((await openSpacesStore(state, variables, { directory })).bucket);
  const [source, target] = options.toLocal ? [bucket, local] : [local, bucket];
  const steps = await planMigration(source, target);
  output.heading(`From ${source.description} to ${target.description}`);
  if (steps.length === 0) output.line("There is no state to move.");
  for (const step of steps) output.line(`  ${step.name.padEnd(44)} ${inWords(step)}`);
  if (steps.length > 0) {
    if (!(await approved(output, options))) {
      output.problem("Nothing was moved.");
      output.result({ exitCode: 1, moved: [] });
      return 1;
    }
    output.line();
    await migrateStates(steps, {
      source,
      target,
      told: (text) => output.line(`  ${text}`),
      checkpoint,
      verified: () => {
        if (!options.toLocal) markBucket(folder, state);
      },
    });
  }
  if (options.toLocal) {
    unmarkBucket(folder);
    output.line(
      `\nNext: put "state": { "backend": "local" } into ${workspace.configurationName}, then ${npmRun("diff")}. Until then a deploy is refused.`,
    );
  } else output.line(`\nNext: ${npmRun("diff")}, which says that nothing changes.`);
  output.result({ exitCode: 0, moved: steps.map(({ name }) => name) });
  return 0;
}

function inWords({ action, state, replaces }: MigrationStep): string {
  const what = state ? `serial ${state.serial}, ${state.resources.length} resources` : "";
  switch (action) {
    case "write":
      return replaces ? `${what}, replaces serial ${replaces.serial}` : what;
    case "there":
      return `${what}, is there already`;
    case "empty":
      return "empty: nothing was ever deployed with it, so it is only moved to state/retired/";
  }
}

async function approved(output: Output, { yes }: MigrateOptions): Promise<boolean> {
  if (yes) return true;
  if (isInteractive()) return confirm("\nMove them?");
  output.problem(
    "\nThis needs approval, but this is not a terminal. Pass --yes to move them without a question.",
  );
  return false;
}
