import { spawnSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import versions from "../../scripts/tools/versions.json";
import { FakeMachine } from "./fake-tools";

const VERSION = versions.tools.kubeconform.version;
const TARGET = `kubeconform-${VERSION}`;

let machine: FakeMachine;
beforeEach(() => {
  machine = new FakeMachine();
});
afterEach(() => machine.remove());

const versionOf = (tool: string): string =>
  spawnSync(path.join(machine.tools, tool), { encoding: "utf8" }).stdout.trim();

test("a tool on PATH in exactly the right version is linked, once", () => {
  const file = machine.program("kubeconform", `echo v${VERSION}`);
  expect(machine.install("kubeconform")).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`kubeconform ${VERSION}: linked to ${file}`),
  });
  expect(versionOf(`${TARGET}/kubeconform`)).toBe(`v${VERSION}`);
  expect(machine.install("kubeconform").stdout).toContain("already there");
});

test("behind a shim of mise the tool itself is linked", () => {
  const real = path.join(machine.programs, "..", "kubeconform");
  symlinkSync(machine.program("kubeconform-of-mise", `echo v${VERSION}`), real);
  machine.program("mise", `[ "$1 $2" = "which kubeconform" ] && echo "${real}"`);
  symlinkSync(path.join(machine.programs, "mise"), path.join(machine.programs, "kubeconform"));
  expect(machine.install("kubeconform").stdout).toContain(`linked to ${real}`);
  expect(versionOf(`${TARGET}/kubeconform`)).toBe(`v${VERSION}`);
});

test.each(["v0.0.1", "development", ""])(
  "a tool on PATH of version %j is not used: it is built",
  (version) => {
    machine.program("kubeconform", `echo ${version}`);
    machine.go();
    expect(machine.install("kubeconform")).toMatchObject({ code: 0, stderr: "" });
    expect(lstatSync(path.join(machine.tools, TARGET, "kubeconform")).isSymbolicLink()).toBe(false);
    expect(versionOf(`${TARGET}/kubeconform`)).toBe(`v${VERSION}`);
    expect(machine.contents()).toEqual([TARGET, `${TARGET}/kubeconform`]);
  },
);

test("a link whose tool was updated or removed since is renewed", () => {
  const file = machine.program("kubeconform", `echo v${VERSION}`);
  machine.install("kubeconform");
  machine.program("kubeconform", "echo v9.9.9");
  machine.go();
  expect(machine.install("kubeconform").stdout).toContain("building");
  expect(versionOf(`${TARGET}/kubeconform`)).toBe(`v${VERSION}`);

  rmSync(path.join(machine.tools, TARGET), { recursive: true });
  mkdirSync(path.join(machine.tools, TARGET));
  rmSync(file);
  symlinkSync(file, path.join(machine.tools, TARGET, "kubeconform"));
  expect(machine.install("kubeconform")).toMatchObject({ code: 0 });
  expect(versionOf(`${TARGET}/kubeconform`)).toBe(`v${VERSION}`);
});

test("without Go the message names mise, and the other tools are installed all the same", () => {
  machine.program("age", `echo v${versions.tools.age.version}`);
  const { code, stderr } = machine.install("kubeconform", "age", "schemas");
  expect(code).toBe(1);
  expect(stderr).toMatch(
    /^kubeconform: building .*kubeconform@v[\d.]+ needs Go, which is not installed: "mise install"/m,
  );
  expect(stderr).toMatch(/^schemas: the download of k8s\.io\/kubernetes@v[\d.]+ needs Go/m);
  expect(machine.contents()).toEqual([
    `age-${versions.tools.age.version}`,
    `age-${versions.tools.age.version}/age`,
    "schemas",
  ]);
});

test("a build that fails leaves nothing behind and says what Go said", () => {
  machine.go("echo 'go: downloading example.org/x v1' >&2; echo 'undefined: thing' >&2; exit 1");
  const { code, stderr } = machine.install("kubeconform");
  expect(code).toBe(1);
  expect(stderr).toMatch(/^kubeconform: .*kubeconform@v[\d.]+ does not build: undefined: thing$/m);
  expect(machine.contents()).toEqual([]);
});

test("a build that turns out to be another version is refused", () => {
  machine.go(
    'printf "#!/bin/sh\\necho v9.9.9\\n" > "$GOBIN/kubeconform"; /bin/chmod +x "$GOBIN/kubeconform"; exit 0',
  );
  expect(machine.install("kubeconform")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("says that it is version 9.9.9 instead of"),
  });
  expect(machine.contents()).toEqual([]);
});

test("a run that was killed leaves nothing half, and the next one cleans up", async () => {
  machine.go("/bin/sleep 10");
  const child = machine.start("kubeconform");
  while (!machine.contents().some((name) => name.includes("unfinished")))
    await new Promise((resolve) => setTimeout(resolve, 20));
  child.kill("SIGKILL");
  await new Promise((resolve) => child.once("close", resolve));
  expect(existsSync(path.join(machine.tools, TARGET))).toBe(false);

  machine.go();
  expect(machine.install("kubeconform").code).toBe(0);
  expect(machine.contents()).toEqual([TARGET, `${TARGET}/kubeconform`]);
});

test("two runs at once both succeed", async () => {
  // Each build waits for the other one to begin.
  machine.go(
    'n=0; while [ $n -lt 2 ]; do /bin/sleep 0.1; n=0; while read -r _; do n=$((n + 1)); done < "${0%/bin/go}/go.log"; done',
  );
  const runs = [machine.start("kubeconform"), machine.start("kubeconform")];
  const codes = await Promise.all(
    runs.map((child) => new Promise((resolve) => child.once("close", (code) => resolve(code)))),
  );
  expect(codes).toEqual([0, 0]);
  expect(machine.builds).toBe(2);
  expect(machine.contents()).toEqual([TARGET, `${TARGET}/kubeconform`]);
});

test("a name that is none is refused before anything is done", () => {
  expect(machine.install("kubeconfrom")).toMatchObject({
    code: 1,
    stderr: expect.stringContaining("there are only kubeconform, age, age-keygen, sops, helm, schemas"),
  });
});
