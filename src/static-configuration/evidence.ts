import { spawnSync } from "node:child_process";
import { sandboxAt, shownPath } from "../place";
import { BACKUPS, backedUpFiles, backupOf, bytesIfThere, RECORD } from "./paths";
import { type ConfigurationRecord, parseRecord, readRecord } from "./record";
import { ANY_NAME, captureNames } from "./rendering";
import type { TokenReplacement } from "./token-replacement";

const NOTHING: ConfigurationRecord = { values: new Map(), former: new Map(), files: new Set() };

/**
 * What was written before: the record, or without it what the originals show beside the configured files, or else the last record that
 * Git has. Each of them alone is enough to find the names that have changed.
 */
export function knownRecord(
  projectDirectory: string,
  replacements: readonly TokenReplacement[],
): ConfigurationRecord {
  return (
    readRecord(projectDirectory) ??
    recordOfOriginals(projectDirectory, replacements) ??
    recordOfGit(projectDirectory) ??
    NOTHING
  );
}

/** Where an original has a placeholder its file has the value. What most files agree on was written, anything else was edited. */
function recordOfOriginals(
  projectDirectory: string,
  replacements: readonly TokenReplacement[],
): ConfigurationRecord | undefined {
  const paths = backedUpFiles(projectDirectory);
  if (paths.length === 0) return undefined;
  const votes = new Map<string, Map<string, number>>();
  for (const path of paths) {
    const original = bytesIfThere(projectDirectory, backupOf(path))?.toString("latin1");
    const live = bytesIfThere(projectDirectory, path)?.toString("latin1");
    if (original === undefined || live === undefined || original === live) continue;
    const placeholders = replacements.map(({ placeholder }) => placeholder);
    const captures = captureNames({ original, live }, placeholders, () => ANY_NAME);
    for (const [placeholder, texts] of captures ?? []) {
      const counts = votes.get(placeholder) ?? new Map<string, number>();
      for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
      votes.set(placeholder, counts);
    }
  }
  const values = new Map<string, string[]>();
  for (const [placeholder, counts] of votes) {
    const [most] = [...counts].sort(([, a], [, b]) => b - a);
    if (most && most[0] !== placeholder) values.set(placeholder, [most[0]]);
  }
  return { values, former: new Map(), files: new Set(paths) };
}

function recordOfGit(projectDirectory: string): ConfigurationRecord | undefined {
  const commit = lastCommitWith(projectDirectory, RECORD);
  const text = commit && git(projectDirectory, "show", `${commit}:./${RECORD}`);
  return text ? parseRecord(text, `${RECORD} of the commit ${commit}`) : undefined;
}

/** The newest commit in which a file is and is not empty; undefined when there is none, and in a sandbox, whose files Git doesn't know. */
function lastCommitWith(projectDirectory: string, path: string): string | undefined {
  return git(projectDirectory, "log", "-20", "--diff-filter=AM", "--format=%h", "--", path)
    ?.split("\n")
    .find((commit) => Number(commit && git(projectDirectory, "cat-file", "-s", `${commit}:./${path}`)) > 0);
}

/** How many missing originals are named one by one. */
const NAMED = 5;

/** The missing originals, each with the way to get it back. */
export function explainMissing(projectDirectory: string, missing: readonly string[]): string[] {
  if (missing.length === 0) return [];
  const shown = (path: string) => shownPath(projectDirectory, path);
  if (sandboxAt(projectDirectory) !== undefined)
    return [
      `${missing.length} originals are missing from ${shown(BACKUPS)} (${shown(backupOf(missing[0] as string))}): delete ${shown("flux")}, and the next command copies it again`,
    ];
  const deleted = new Set(
    (git(projectDirectory, "ls-files", "-z", "--deleted", "--", BACKUPS) ?? "").split("\0"),
  );
  const uncommitted = missing.filter((path) => deleted.has(backupOf(path)));
  const others = missing.filter((path) => !deleted.has(backupOf(path)));
  const first =
    uncommitted.length === 1
      ? `${backupOf(uncommitted[0] as string)} is`
      : `${uncommitted.length} originals are`;
  return [
    ...(uncommitted.length > 0
      ? [
          `${first} missing from the checkout. \`git checkout -- ${uncommitted.length <= NAMED ? uncommitted.map((path) => quoted(backupOf(path))).join(" ") : BACKUPS}\` restores ${uncommitted.length === 1 ? "it" : "them"}.`,
        ]
      : []),
    ...others
      .slice(0, NAMED)
      .map((path) => `${backupOf(path)} is missing or empty. ${wayBack(projectDirectory, path)}`),
    ...(others.length > NAMED
      ? [
          `${others.length - NAMED} more originals are missing from ${BACKUPS}. The same commands restore them.`,
        ]
      : []),
  ];
}

function wayBack(projectDirectory: string, path: string): string {
  const original = backupOf(path);
  const committed = lastCommitWith(projectDirectory, original);
  const size = committed && git(projectDirectory, "cat-file", "-s", `${committed}:./${original}`);
  if (committed && Number(size) > 0)
    return `\`git checkout ${committed} -- ${quoted(original)}\` restores it.`;
  // It was never committed: the file itself was, before it was configured.
  const first = git(projectDirectory, "log", "--diff-filter=A", "--format=%h", "--", path)
    ?.trim()
    .split("\n")
    .at(-1);
  return first
    ? `It was never committed. If the first version of ${path} still has the placeholders: \`mkdir -p ${quoted(folderOf(original))} && git show ${quoted(`${first}:./${path}`)} > ${quoted(original)}\``
    : `Git does not have it: copy ${path} from the template to ${original}.`;
}

const folderOf = (path: string): string => path.slice(0, path.lastIndexOf("/"));
const quoted = (path: string): string =>
  /^[\w./:-]+$/.test(path) ? path : `'${path.replaceAll("'", "'\\''")}'`;

function git(projectDirectory: string, ...args: string[]): string | undefined {
  if (sandboxAt(projectDirectory) !== undefined) return undefined;
  const { status, stdout } = spawnSync("git", args, { cwd: projectDirectory, encoding: "utf8" });
  return status === 0 ? stdout : undefined;
}
