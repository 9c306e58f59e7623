import { Command } from "commander";
import { checkConfigCommand } from "./check-config";
import { ciCommentCommand } from "./ci-comment";
import { ciDiffCommand } from "./ci-diff";
import { ciReadyCommand } from "./ci-ready";
import { demoCommand } from "./demo";
import { deployCommand } from "./deploy";
import { destroyCommand } from "./destroy";
import { diffCommand } from "./diff";
import { lockProvidersCommand } from "./lock-providers";
import { outputsCommand } from "./outputs";
import { previewCommand } from "./preview";
import { restoreCommand } from "./restore";
import { sandboxCommand } from "./sandbox";
import { secretsCommand } from "./secrets";
import { setupCommand } from "./setup";
import { stacksCommand } from "./stacks";
import { stateCommand } from "./state";
import { statusCommand } from "./status";
import { synthCommand } from "./synth";
import { validateCommand } from "./validate";

/** The commands behind the npm scripts. */
export function program(): Command {
  const result = new Command("hybrid-gitops")
    .description(
      "One configuration file becomes a DigitalOcean Kubernetes cluster per environment, with Flux",
    )
    .enablePositionalOptions()
    .exitOverride();
  for (const make of [
    demoCommand,
    deployCommand,
    diffCommand,
    previewCommand,
    destroyCommand,
    synthCommand,
    outputsCommand,
    statusCommand,
    restoreCommand,
    secretsCommand,
    stateCommand,
    stacksCommand,
    checkConfigCommand,
    validateCommand,
    ciReadyCommand,
    lockProvidersCommand,
    ciDiffCommand,
    ciCommentCommand,
    sandboxCommand,
  ]) {
    result.addCommand(make().exitOverride());
  }
  // Its exit codes are its own.
  result.addCommand(setupCommand());
  return result;
}
