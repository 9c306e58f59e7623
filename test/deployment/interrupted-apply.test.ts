import { readFileSync, writeFileSync } from "node:fs";
import { deploy } from "../../src/commands/deploy";
import { inSandbox, KeptOutput } from "../faults/support/availability/deploys";
import { SandboxProject } from "../support/sandbox-project";

const project = new SandboxProject();
afterAll(() => project.remove());

test("a Ctrl-C while a stack is planned again, when no terraform hears of it, keeps that stack from being applied", async () => {
  const output = new KeptOutput();
  const again = /staging-flux-configuration +planning on real outputs/;
  const { exitCode, stacks } = await inSandbox(project, (workspace) =>
    deploy({
      workspace,
      output,
      interruption: {
        reason: () => (again.test(output.text) ? "interrupted with Ctrl-C" : undefined),
        end: () => undefined,
      },
      options: { environment: [], stack: ["staging-cluster", "staging-flux-configuration"], yes: true },
    }),
  );

  expect(exitCode).toBe(130);
  expect(stacks.map(({ name, status, message }) => [name, status, message])).toEqual([
    ["staging-cluster", "applied", undefined],
    ["staging-flux-configuration", "not begun", "interrupted with Ctrl-C"],
  ]);
  const { cluster_id: id } = project.json("state", "staging-cluster.tfstate").outputs;
  expect(project.read("clouds", "kubernetes", `${id.value}.json`)).not.toContain("infrastructure-vars");
  expect(project.exists("flux", ".backups")).toBe(false);
});

test("a Ctrl-C while the states catch up with the clouds ends the deploy as interrupted", async () => {
  expect(project.run("deploy", "--yes", "--environment", "staging").code).toBe(0);
  // Changed by the cloud itself, which no plan mends.
  const file = project.files().find((path) => path.endsWith("digitalocean.json")) as string;
  writeFileSync(
    file,
    readFileSync(file, "utf8").replaceAll(
      /"updated_at": "[^"]*"/g,
      '"updated_at": "2026-01-01 00:00:00 +0000 UTC"',
    ),
  );
  const output = new KeptOutput();
  const deployed = inSandbox(project, (workspace) =>
    deploy({
      workspace,
      output,
      interruption: {
        reason: () => (/no changes/.test(output.text) ? "interrupted with Ctrl-C" : undefined),
        end: () => undefined,
      },
      options: { environment: ["staging"], stack: [], yes: true },
    }),
  );
  await expect(deployed).rejects.toThrow("Interrupted with Ctrl-C. Nothing was changed.");
});
