import { npmRunIn } from "../place";
import { hasLocalState, readStackDocument } from "../terraform";

/** What Terraform calls a lock that it doesn't get. */
export const LOCKED = "Error acquiring the state lock";

/**
 * A lock that somebody else holds, in words: who, since when and for what, and how it goes when they are gone.
 * @param detail Terraform's own text, with the lock's fields in lines of the form `Who:  user@machine`
 * @param directory where terraform ran
 */
export function explainLock(stack: string, detail: string, directory = ""): string {
  const field = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}:[ \\t]*(\\S.*)$`, "m").exec(detail)?.[1]?.trim();
  const [id, who, operation, created] = [field("ID"), field("Who"), field("Operation"), field("Created")];
  if (who === undefined)
    return `No lock on the state was got: somebody holds it, or its place can't be written:\n${detail
      .trim()
      .split("\n")
      .map((line) => `  ${line}`)
      .join("\n")}`;
  const since = created === undefined ? "" : ` since ${created.replace(/\.\d+ \+0000 UTC$/, " UTC")}`;
  const purpose = operation ? ` (${operation.replace(/^OperationType/, "").toLowerCase()})` : "";
  return [
    `${who} works on this state${since}${purpose}. Wait until they have finished, and run the command again.`,
    ...(isLocal(directory)
      ? [
          `If that command was killed, its terraform goes on to its end without it, and gives the lock back; ${npmRunIn(directory, "state", "check", "--stack", stack)} names its process.`,
        ]
      : id === undefined
        ? []
        : [
            `If that command was killed, nobody else removes its lock from a bucket: ${npmRunIn(directory, "state", "unlock", "--stack", stack, "--id", id)}`,
          ]),
  ].join("\n");
}

/** Whether the states of the stack that terraform runs for are files, whose locks go with their processes. */
function isLocal(directory: string): boolean {
  try {
    return hasLocalState(readStackDocument({ directory }));
  } catch {
    return false;
  }
}
