import { cli, SandboxProject } from "../support/sandbox-project";

test.each([
  [["deploy"]],
  [["destroy"]],
  [["state", "restore"]],
  [["state", "prepare"]],
  [["state", "migrate"]],
  [["state", "unlock"]],
])("%j --help says what --yes is, and what happens without a terminal", (command) => {
  const { code, stdout } = cli([...command, "--help"]);
  expect([code, stdout.replace(/\s+/g, " ")]).toEqual([
    0,
    expect.stringContaining("approve without a question; required where this is not a terminal"),
  ]);
});

test("restore takes --yes as the others do, and loses no edit by it", () => {
  const project = new SandboxProject();
  try {
    project.run("synth");
    const { code, stdout, stderr } = project.run("restore", "--yes");
    expect([code, stderr]).toEqual([0, ""]);
    expect(stdout).toContain("Nothing to restore");
  } finally {
    project.remove();
  }
});
