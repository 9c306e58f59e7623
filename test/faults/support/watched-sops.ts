import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toolPath } from "../../../src/flux-tree/tools";

/** What a program saw when it was called. */
export interface Call {
  readonly pid: number;
  readonly program: "sops" | "editor";
  readonly arguments: readonly string[];
  /** Values of the environment, but for what every program has. */
  readonly environment: Readonly<Record<string, string>>;
  /** Files with one of the sentinels in them at that moment, with their mode and that of their folder. */
  readonly plain: ReadonlyArray<{
    readonly file: string;
    readonly mode: number;
    readonly folderMode: number;
  }>;
}

/**
 * In the place of sops and of the editor: notes arguments, environment and which files of the folders below hold a sentinel, stands still at
 * the wanted call, and then does the real thing.
 */
const PROGRAM = `#!/usr/bin/env node
const { appendFileSync, existsSync, lstatSync, readFileSync, readdirSync, writeFileSync } = require("node:fs");
const { dirname, join } = require("node:path");
const { spawnSync } = require("node:child_process");
const settings = JSON.parse(readFileSync(join(__dirname, "settings.json"), "utf8"));
const program = require("node:path").basename(__filename);
const calls = existsSync(settings.log) ? readFileSync(settings.log, "utf8").trim().split("\\n").length : 0;
const plain = [];
const look = (folder) => {
  let entries = [];
  try { entries = readdirSync(folder, { withFileTypes: true }); } catch { return; }
  for (const entry of entries) {
    const file = join(folder, entry.name);
    if (entry.isDirectory()) look(file);
    else if (entry.isFile()) {
      try {
        const text = readFileSync(file, "latin1");
        if (settings.sentinels.some((sentinel) => text.includes(sentinel)))
          plain.push({ file, mode: lstatSync(file).mode & 0o777, folderMode: lstatSync(dirname(file)).mode & 0o777 });
      } catch {}
    }
  }
};
for (const folder of settings.folders) look(folder);
const { PATH, HOME, PWD, SHLVL, _, ...environment } = process.env;
appendFileSync(settings.log, JSON.stringify({ pid: process.pid, program, arguments: process.argv.slice(2), environment, plain }) + "\\n");
if (calls + 1 === settings.pauseAt) {
  writeFileSync(settings.paused, String(process.pid));
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 60000);
}
if (program === "editor") {
  const file = process.argv.at(-1);
  if (settings.replace) writeFileSync(file, readFileSync(file, "utf8").replace(settings.replace[0], settings.replace[1]));
} else {
  const result = spawnSync(settings.sops, process.argv.slice(2), { stdio: "inherit" });
  process.exitCode = result.status ?? 1;
}
`;

export interface WatchedSettings {
  /** Texts that may be in no file. */
  readonly sentinels: readonly string[];
  /** Where to look for them. */
  readonly folders: readonly string[];
  /** The call that stands still, from 1 on. */
  readonly pauseAt?: number;
  /** What the editor replaces in the file. */
  readonly replace?: readonly [string, string];
}

/** A sops and an editor that tell what they were given. */
export class WatchedSops {
  private readonly directory = mkdtempSync(join(tmpdir(), "watched-sops-"));
  private readonly log = join(this.directory, "calls.jsonl");
  private readonly paused = join(this.directory, "paused");

  constructor() {
    for (const name of ["sops", "editor"]) {
      writeFileSync(join(this.directory, name), PROGRAM);
      chmodSync(join(this.directory, name), 0o755);
    }
    // The tools of `npm run tools` go before those on PATH; here there are none.
    mkdirSync(join(this.directory, "cache"));
  }

  /** The environment in which a command finds them. */
  environment(settings: WatchedSettings): NodeJS.ProcessEnv {
    rmSync(this.log, { force: true });
    rmSync(this.paused, { force: true });
    const { log, paused } = this;
    const text = JSON.stringify({ ...settings, log, paused, sops: toolPath("sops") });
    writeFileSync(join(this.directory, "settings.json"), text);
    return {
      PATH: `${this.directory}:${process.env.PATH}`,
      XDG_CACHE_HOME: join(this.directory, "cache"),
      EDITOR: join(this.directory, "editor"),
      VISUAL: "",
    };
  }

  calls(): Call[] {
    if (!existsSync(this.log)) return [];
    return readFileSync(this.log, "utf8")
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Call);
  }

  /** The process that stands still; undefined as long as none does. */
  standing(): number | undefined {
    return existsSync(this.paused) ? Number(readFileSync(this.paused, "utf8")) || undefined : undefined;
  }

  dispose(): void {
    rmSync(this.directory, { recursive: true, force: true });
  }
}
