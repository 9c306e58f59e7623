import { spawnSync } from "node:child_process";
import type { ApplicationSecret } from "../../../src/secrets/application-secret";
import { checkSecrets } from "../../../src/secrets/check";
import { createSecrets } from "../../../src/secrets/create";
import { editSecret, findSecret } from "../../../src/secrets/edit";
import { removeLeftovers } from "../../../src/secrets/leftovers";
import { beginKeyRotation, finishKeyRotation, nextStep } from "../../../src/secrets/rotate-key";
import { rotateValues } from "../../../src/secrets/rotate-values";
import { Sops } from "../../../src/secrets/sops";

/**
 * The steps of `npm run secrets` in a process of its own, on a small project: a test can kill it at any call of sops without waiting for
 * the dozens of files of the whole tree. Called with the directory, the declared secrets as JSON, and the command.
 */
async function main([directory = "", declared = "[]", command = ""]: readonly string[]): Promise<void> {
  removeLeftovers(directory, ["staging"]);
  const context = {
    directory,
    environment: "staging",
    declared: JSON.parse(declared) as ApplicationSecret[],
    variables: process.env,
  };
  const sops = new Sops("sops", directory);
  if (command === "create") {
    const { problems } = await createSecrets(context, sops);
    if (problems.length > 0) throw new Error(problems.join("\n"));
  } else if (command === "check") {
    const { findings } = await checkSecrets(context, [], sops);
    if (findings.length > 0) throw new Error(findings.join("\n"));
  } else if (command === "rotate") await rotateValues(context, {}, sops);
  else if (command === "rotate-key") {
    const step = nextStep(directory, "staging") === "begin" ? beginKeyRotation : finishKeyRotation;
    await step(directory, "staging", sops);
  } else {
    const editor = {
      open: async (file: string) =>
        void spawnSync(process.env.EDITOR as string, [file], { stdio: "inherit" }),
      again: async () => false,
    };
    const { outcome } = await editSecret(findSecret([context], "app/mail"), editor, sops);
    if (outcome !== "written") throw new Error(outcome);
  }
}

main(process.argv.slice(2)).catch((error: Error) => {
  console.error(error.message);
  process.exitCode = 1;
});
