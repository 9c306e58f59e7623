import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { folderOfTools, realTool, type Toolset, writeTool } from "./toolsets";

/** When a tool ends the run: before its work, after it, or between two of its files. */
export const MOMENTS = ["before", "after", "between"] as const;
export type Moment = (typeof MOMENTS)[number];

const TOOLS = ["sed", "mv", "cp", "awk", "grep", "find", "cksum", "rm", "mkdir", "sort"];

/**
 * Tools that count their calls and end the run at one of them: before the tool does its work, after it, or, for a tool that works
 * on several files, between them. `blow` is the shell text that ends it; SIGKILL to the script alone without it.
 */
export function deadly(
  tools: Toolset,
  point: number,
  moment: Moment,
  blow = 'kill -KILL "$MAIN"',
): { tools: Toolset; calls: () => number; struck: () => string } {
  const folder = folderOfTools();
  const counter = join(folder, "calls");
  const struck = join(folder, "struck");
  writeFileSync(counter, "");
  for (const tool of TOOLS) {
    const first = tools.path.split(":")[0] ?? "";
    const real = existsSync(join(first, tool)) ? join(first, tool) : realTool(tool);
    const half =
      tool === "sed"
        ? `set -- "$1" "$2" "$3" "$4" "$5"; '${real}' "$@"`
        : tool === "rm" || tool === "mkdir"
          ? `set -- "$1" "$2"; '${real}' "$@"`
          : `'${real}' "$@" | { IFS= read -r line; printf '%s' "$line"; }`;
    writeTool(
      folder,
      tool,
      `printf x >>'${counter}'
[ "$('${realTool("wc")}' -c <'${counter}')" -eq ${point} ] || exec '${real}' "$@"
${moment === "after" ? `'${real}' "$@"` : moment === "between" ? half : ":"}
printf '%s' '${tool}' >'${struck}'
${blow}
exit 1
`,
    );
  }
  return {
    tools: { ...tools, path: `${folder}:${tools.path}` },
    calls: () => readFileSync(counter, "utf8").length,
    struck: () => (existsSync(struck) ? readFileSync(struck, "utf8") : ""),
  };
}

/** Does the work for every item, some of them at the same time. */
export async function inTurns<Item>(
  items: readonly Item[],
  atOnce: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      for (let item = queue.shift(); item !== undefined; item = queue.shift()) await work(item);
    }),
  );
}
