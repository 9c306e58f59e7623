import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isOfRemovedApplication } from "../flux-tree/tree";
import { REPOSITORY } from "../support/example";

/** The text of a page, by its path in the repository. */
export function page(path: string): string {
  return readFileSync(join(REPOSITORY, path), "utf8");
}

/** Whether what a page names exists. The files of an application that the owner has removed count as if they did. */
export function isThere(path: string): boolean {
  return existsSync(join(REPOSITORY, path)) || isOfRemovedApplication(path);
}

/** Every page that is written for people, relative to the repository. */
export function pages(): string[] {
  const docs = (readdirSync(join(REPOSITORY, "docs"), { recursive: true }) as string[])
    .filter((path) => path.endsWith(".md"))
    .map((path) => join("docs", path));
  return ["README.md", "CONTRIBUTING.md", "flux/README.md", "sandbox/README.md", ...docs.sort()];
}

/** A row of a table by its column titles; code marks are kept. */
export type Row = Readonly<Record<string, string>>;

/** All tables of a page as rows. A `|` in a cell isn't supported. */
export function rows(text: string): Row[] {
  const found: Row[] = [];
  let titles: string[] | undefined;
  for (const line of text.split("\n")) {
    if (!line.startsWith("|")) {
      titles = undefined;
      continue;
    }
    const cells = line
      .split("|")
      .slice(1, -1)
      .map((cell) => cell.trim());
    if (titles === undefined) titles = cells;
    else if (!cells.every((cell) => /^-+$/.test(cell)))
      found.push(Object.fromEntries(titles.map((title, index) => [title, cells[index] ?? ""])));
  }
  return found;
}

/** The rows of tables that have these columns first. */
export function rowsWith(text: string, ...titles: string[]): Row[] {
  return rows(text).filter((row) => titles.every((title, index) => Object.keys(row)[index] === title));
}

/** The first code mark in a cell: `` `a` `` → a. */
export function code(cell: string | undefined): string {
  return /`([^`]+)`/.exec(cell ?? "")?.[1] ?? "";
}

/** A fenced block with the comment in the line before it. */
export interface Block {
  readonly language: string;
  readonly text: string;
  /** Text of `<!-- … -->` directly above; empty without one. */
  readonly comment: string;
}

export function blocks(text: string): Block[] {
  return [...text.matchAll(/(?:^<!-- (.*) -->\n)?^```(\w*)\n([\s\S]*?)^```$/gm)].map(
    ([, comment = "", language = "", body = ""]) => ({ comment, language, text: body }),
  );
}

/** The text outside of fenced blocks. */
export function prose(text: string): string {
  return text.replace(/^```[\s\S]*?^```$/gm, "");
}

/** The anchors of a page, as GitHub makes them from its headings. */
export function anchors(text: string): Set<string> {
  return new Set(
    [...prose(text).matchAll(/^#+ (.+)$/gm)].map(([, title = ""]) =>
      title
        .toLowerCase()
        .replace(/[^\p{L}\p{N} _-]/gu, "")
        .replaceAll(" ", "-"),
    ),
  );
}
