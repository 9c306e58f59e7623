import { execFileSync, spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A shell and the tools that it finds. */
export interface Toolset {
  readonly name: string;
  readonly shell: readonly string[];
  readonly path: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Uses of options or syntax that only GNU's tools have; always empty for toolsets that don't look. */
  violations(): string;
}

const folders: string[] = [];

export function folderOfTools(): string {
  const folder = mkdtempSync(join(tmpdir(), "tools-"));
  folders.push(folder);
  return folder;
}

export function removeToolsets(): void {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

export function writeTool(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}`);
  chmodSync(join(folder, name), 0o755);
}

/** Where this machine's own tool is. */
export function realTool(name: string): string {
  return execFileSync("/bin/sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).trim();
}

export function nativeTools(): Toolset {
  return {
    name: "this machine's tools",
    shell: ["/bin/sh"],
    path: process.env.PATH ?? "",
    environment: {},
    violations: () => "",
  };
}

/**
 * Stands in for BSD: sed in POSIX mode that ends every last line with a line break and takes `-i` with an argument of its
 * own, grep without GNU's options, and wrappers that note every option or regular expression that only GNU knows.
 */
export function strictTools(): Toolset {
  const folder = folderOfTools();
  const log = join(folder, "violations");
  const note = (tool: string) =>
    `{ echo "${tool}: $argument" >>'${log}'; echo "${tool}: bad option" >&2; exit 64; }`;
  const refuse = (tool: string, patterns: string) =>
    `for argument in "$@"; do case $argument in ${patterns}) ${note(tool)} ;; esac; done\n`;
  const isGnuSed = spawnSync(realTool("sed"), ["--posix", "-n", "p"], { input: "" }).status === 0;
  const sed = realTool("sed");
  const strip = `'${sed}' 's/\\\\\\\\//g'`;
  writeTool(
    folder,
    "sed",
    `[ "$1" != --version ] || { echo 'sed: illegal option -- -' >&2; exit 1; }
case " $* " in *" -i "*) echo 'sed: -i takes an argument here' >&2; exit 1 ;; esac
${refuse("sed", "--*|-i*|-z|-s|-u|-r|-b")}previous=
for argument in "$@"; do
  if [ "$previous" = -f ] && ${strip} "$argument" | '${realTool("grep")}' -q '\\\\[ntwWsSbB<>+?|]'; then ${note("sed script")}; fi
  previous=$argument
done
'${sed}' ${isGnuSed ? "--posix" : ""} "$@" || exit
# Old BSD seds end the last line even when the input does not; printing one more byte after it shows whether it was ended.
eval "input=\\\${$#}"
if [ -f "$input" ] && [ -s "$input" ] && [ "$('${realTool("tail")}' -c 1 "$input" | wc -l)" -eq 0 ]; then echo; fi
`,
  );
  writeTool(
    folder,
    "grep",
    `[ "$1" != --version ] || { echo 'grep (BSD grep, GNU compatible) 2.6.0-FreeBSD'; exit 0; }
${refuse("grep", "--*|-r|-R|-P|-z|-Z")}exec '${realTool("grep")}' "$@"
`,
  );
  writeTool(
    folder,
    "find",
    `${refuse("find", "-printf|-print0|-regextype|-executable|-delete|-mindepth|-quit|-readable|-writable")}exec '${realTool("find")}' "$@"\n`,
  );
  for (const [tool, patterns] of Object.entries({
    cp: "--*|-t|-T|-u|-d|-a|-l|-b",
    mv: "--*|-t|-T|-u|-b",
    rm: "--*",
    mkdir: "--*",
    sort: "--*|-z|-V|-h|-R",
    touch: "--*|-d",
    wc: "--*",
    tail: "--*",
    cksum: "-*",
    cmp: "--*|-n",
    rmdir: "--*",
  })) {
    writeTool(folder, tool, `${refuse(tool, patterns)}exec '${realTool(tool)}' "$@"\n`);
  }
  // Not in POSIX, and missing on some systems: nothing may need them.
  for (const tool of [
    "jq",
    "perl",
    "python3",
    "node",
    "xargs",
    "mktemp",
    "stat",
    "readlink",
    "realpath",
    "sha256sum",
    "tac",
  ]) {
    writeTool(folder, tool, `argument=$*; ${note(tool)}\n`);
  }
  return {
    name: "strict POSIX tools (BSD behaviour)",
    shell: ["/bin/sh"],
    path: `${folder}:${process.env.PATH}`,
    environment: { POSIXLY_CORRECT: "1" },
    violations: () => (existsSync(log) ? readFileSync(log, "utf8") : ""),
  };
}

/** Busybox's shell and tools; undefined on a machine that has none. */
export function busyboxTools(): Toolset | undefined {
  const probe = spawnSync("busybox", ["--list"], { encoding: "utf8" });
  if (probe.status !== 0) return undefined;
  const folder = folderOfTools();
  const busybox = realTool("busybox");
  const installed = join(folder, "installed");
  mkdirSync(installed);
  spawnSync(busybox, ["--install", "-s", installed]);
  // Alpine's busybox has cksum, Debian's is built without it.
  if (!existsSync(join(installed, "cksum"))) symlinkSync(realTool("cksum"), join(installed, "cksum"));
  return {
    name: "busybox",
    shell: [busybox, "sh"],
    path: installed,
    environment: {},
    violations: () => "",
  };
}

/** The toolsets that every rule is tested with. */
export function toolsets(): Toolset[] {
  const found = [nativeTools(), strictTools()];
  const busybox = busyboxTools();
  if (busybox) found.push(busybox);
  else
    process.stderr.write(
      "the static configuration is not tested with busybox here: this machine has no busybox\n",
    );
  return found;
}
