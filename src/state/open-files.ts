import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, readlinkSync, realpathSync } from "node:fs";

/** A process that has a file open. */
export interface OpenFile {
  readonly pid: number;
  /** Its program, such as `terraform`. */
  readonly program: string;
}

/**
 * Which processes have a file open, as far as this user may see them. Terraform's lock of a local state is one of the operating
 * system, which nobody but the process itself can name: who holds it has the state file open.
 * @returns undefined where the system can't be asked
 */
export function processesWithOpen(file: string): readonly OpenFile[] | undefined {
  if (!existsSync(file)) return [];
  const path = realpathSync(file);
  return existsSync("/proc/self/fd") ? fromProc(path) : fromLsof(path);
}

function fromProc(path: string): OpenFile[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  return pids
    .filter((pid) => hasOpen(pid, path))
    .map((pid) => ({ pid: Number(pid), program: readOr(`/proc/${pid}/comm`).trim() || "unknown" }));
}

function hasOpen(pid: string, path: string): boolean {
  const folder = `/proc/${pid}/fd`;
  try {
    return readdirSync(folder).some((descriptor) => {
      try {
        return readlinkSync(`${folder}/${descriptor}`) === path;
      } catch {
        // Closed meanwhile.
        return false;
      }
    });
  } catch {
    // Another user's, or it has ended meanwhile.
    return false;
  }
}

/** macOS has no /proc and comes with lsof; `-F` is its output for programs, one field a line. */
function fromLsof(path: string): OpenFile[] | undefined {
  const { error, stdout } = spawnSync("lsof", ["-F", "pc", "--", path], { encoding: "utf8" });
  if (error) return undefined;
  const found: OpenFile[] = [];
  let pid = 0;
  for (const line of stdout.split("\n")) {
    if (line.startsWith("p")) pid = Number(line.slice(1));
    if (line.startsWith("c") && pid !== process.pid) found.push({ pid, program: line.slice(1) });
  }
  return found;
}

function readOr(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
