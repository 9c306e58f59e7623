import { spawnSync } from "node:child_process";
import { gitEnvironment } from "../git";
import { sandboxAt, shownPath } from "../place";
import { BACKUPS, backedUpFiles, backupOf, bytesIfThere, RECORD } from "./paths";
import { add, type ConfigurationRecord, parseRecord, readRecord } from "./record";
import { ANY_NAME, captureNames } from "./rendering";
import { asLatin1, countTokens, type TokenReplacement } from "./token-replacement";

const NOTHING: ConfigurationRecord = { values: new Map(), former: new Map(), files: new Set() };

/**
 * What was written before: the record, and where it is silent what the originals show beside the configured files, and what any
 * committed record said. Each of them alone is enough to find the names that have changed. A record of which the originals show
 * nothing belongs to another project and does not count.
 */
export function knownRecord(
  projectDirectory: string,
  replacements: readonly TokenReplacement[],
): ConfigurationRecord {
  const history = recordOfGit(projectDirectory);
  const read = readRecord(projectDirectory) ?? NOTHING;
  const placeholders = new Set([
    ...replacements.map(({ placeholder }) => placeholder),
    ...read.values.keys(),
    ...history.values.keys(),
  ]);
  const isWhole = read.files.size > 0 && [...history.values.keys()].every((one) => read.values.has(one));
  const originals = recordOfOriginals(projectDirectory, placeholders, isWhole ? read.values : new Map());
  const foreign = isForeign(read, originals);
  const record = foreign ? NOTHING : read;
  // Git may have said these last, too.
  const past = foreign ? read.values : read.former;
  const values = new Map(record.values);
  for (const placeholder of placeholders) {
    if (values.has(placeholder)) continue;
    // What stands in the place of a placeholder that was never replaced is the user's own.
    const wasReplaced = record.values.size === 0 || history.values.has(placeholder);
    const shown = wasReplaced ? originals.values.get(placeholder) : undefined;
    const committed = history.values.get(placeholder)?.filter((one) => !past.get(placeholder)?.includes(one));
    const [last] = shown ?? committed ?? [];
    if (last !== undefined) values.set(placeholder, [last]);
  }
  const former = new Map([...record.former].map(([placeholder, list]) => [placeholder, [...list]]));
  for (const [placeholder, list] of [...history.values, ...history.former])
    for (const value of list)
      if (!values.get(placeholder)?.includes(value) && value !== placeholder) add(former, placeholder, value);
  const files = new Set(record.files.size > 0 ? record.files : originals.files);
  const names = [...values.values(), ...former.values()].flat().map(asLatin1);
  for (const path of history.files)
    if (!files.has(path) && !originals.files.has(path) && holdsAny(projectDirectory, path, names))
      files.add(path);
  return { values, former, files };
}

/** Whether the record says something, and the originals show that something else was written, for each of several placeholders. */
function isForeign({ values, former }: ConfigurationRecord, originals: ConfigurationRecord): boolean {
  return (
    values.size > 0 &&
    originals.values.size > 1 &&
    [...originals.values].every(
      ([placeholder, [value = ""]]) =>
        !values.get(placeholder)?.includes(value) && !former.get(placeholder)?.includes(value),
    )
  );
}

/** A file that was configured holds a name; one that was restored, or that took its place later, does not. */
function holdsAny(projectDirectory: string, path: string, names: readonly string[]): boolean {
  const live = bytesIfThere(projectDirectory, path)?.toString("latin1");
  return live !== undefined && countTokens(live, names).size > 0;
}

/** Where an original has a placeholder its file has the value. What most files agree on was written, anything else was edited. */
function recordOfOriginals(
  projectDirectory: string,
  placeholders: ReadonlySet<string>,
  believed: ConfigurationRecord["values"],
): ConfigurationRecord {
  const paths = backedUpFiles(projectDirectory);
  const votes = new Map<string, Map<string, number>>();
  for (const path of paths) {
    const original = bytesIfThere(projectDirectory, backupOf(path))?.toString("latin1");
    const live = bytesIfThere(projectDirectory, path)?.toString("latin1");
    if (original === undefined || live === undefined || original === live) continue;
    const captures = captureNames({ original, live }, placeholders, () => ANY_NAME);
    for (const [placeholder, texts] of captures ?? []) {
      // One agreement is enough for a whole record: thousands of originals need not be compared.
      if (believed.get(placeholder)?.some((value) => texts.has(value)))
        return { ...NOTHING, files: new Set(paths) };
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

/** All that any record said which was committed, the newest first. */
function recordOfGit(projectDirectory: string): ConfigurationRecord {
  const options = ["--full-history", "--format=", "-p", "-U0", "--text", "--no-color", "--no-ext-diff"];
  const lines = git(projectDirectory, "log", ...options, "--", RECORD)
    ?.replace(/^.*\n\\ .*$/gm, "") // A last line without its end was cut off.
    .match(/^\+(?:(?:value|former)\t[^\t\r\n]+|file)\t[^\t\r\n]+$/gm);
  return parseRecord((lines ?? []).map((line) => line.slice(1)).join("\n"));
}

/** The record that is there but says less than it did, and how to get it back. A run with changes writes it again. */
export function explainRecord(projectDirectory: string, hasChanges: boolean): string[] {
  const text = bytesIfThere(projectDirectory, RECORD)?.toString("utf8");
  const isCut = text !== undefined && text !== "" && !text.endsWith("\n");
  if (text === undefined || !(isCut || !/^[^#\s]/m.test(text))) return [];
  const commits = hasChanges ? undefined : git(projectDirectory, "log", "-20", "--format=%h", "--", RECORD);
  const commit = commits
    ?.split("\n")
    .find((one) => one && /^file\t.*\n$/m.test(git(projectDirectory, "show", `${one}:./${RECORD}`) ?? ""));
  const fix = commit
    ? `\`git checkout ${commit} -- ${RECORD}\` restores it.`
    : "A deploy that changes files writes it again.";
  return [
    `${shownPath(projectDirectory, RECORD)} is ${isCut ? "cut off" : "empty"}. The originals and Git's history show the names instead. ${fix}`,
  ];
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
      `${missing.length === 1 ? "1 original is" : `${missing.length} originals are`} missing from ${shown(BACKUPS)} (${shown(backupOf(missing[0] as string))}): delete ${shown("flux")}, and the next command copies it again`,
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
          others.length - NAMED === 1
            ? `1 more original is missing from ${BACKUPS}. The same command restores it.`
            : `${others.length - NAMED} more originals are missing from ${BACKUPS}. The same commands restore them.`,
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
  const { status, stdout } = spawnSync("git", args, {
    cwd: projectDirectory,
    encoding: "utf8",
    maxBuffer: Number.POSITIVE_INFINITY,
    env: gitEnvironment(),
  });
  return status === 0 ? stdout : undefined;
}
