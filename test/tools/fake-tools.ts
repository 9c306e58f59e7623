import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { REPOSITORY } from "../support/example";

export interface Run {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A machine of its own for `npm run tools`: an empty cache folder, and only those programs on PATH that a test puts there. */
export class FakeMachine {
  private readonly folder = mkdtempSync(path.join(tmpdir(), "fake-machine-"));
  readonly programs = path.join(this.folder, "bin");
  readonly tools = path.join(this.folder, "cache", "hybrid-gitops", "tools");

  constructor() {
    mkdirSync(this.programs);
  }

  /** A program on PATH, written in sh without anything but its built-ins and absolute paths. */
  program(name: string, script: string): string {
    const file = path.join(this.programs, name);
    writeFileSync(file, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return file;
  }

  /** A Go that "builds" a program which says the version that it was asked for; `before` runs first. */
  go(before = ""): void {
    this.program(
      "go",
      `[ "$1" = install ] || exit 1
echo "$*" >> "${this.folder}/go.log"
${before}
for target in "$@"; do :; done
name=\${target##*/}; name=\${name%@*}
printf '#!/bin/sh\\necho %s\\n' "\${target##*@}" > "$GOBIN/$name"
/bin/chmod +x "$GOBIN/$name"`,
    );
  }

  get builds(): number {
    const { stdout } = spawnSync("cat", [path.join(this.folder, "go.log")], { encoding: "utf8" });
    return stdout.split("\n").length - 1;
  }

  install(...names: string[]): Run {
    const { status, stdout, stderr } = spawnSync(process.execPath, this.command(names), this.options);
    return { code: status, stdout, stderr };
  }

  start(...names: string[]): ChildProcess {
    return spawn(process.execPath, this.command(names), this.options);
  }

  /** What is in the cache folder, with paths relative to it. */
  contents(): string[] {
    try {
      return (readdirSync(this.tools, { recursive: true }) as string[]).sort();
    } catch {
      return [];
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  private command(names: readonly string[]): string[] {
    return [path.join(REPOSITORY, "scripts/tools/install.mjs"), ...names];
  }

  private get options() {
    return {
      encoding: "utf8" as const,
      cwd: REPOSITORY,
      env: {
        HOME: this.folder,
        PATH: this.programs,
        XDG_CACHE_HOME: path.join(this.folder, "cache"),
        TMPDIR: process.env.TMPDIR ?? "/tmp",
      },
    };
  }
}
