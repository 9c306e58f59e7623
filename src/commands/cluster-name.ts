import { confirm, isInteractive } from "../terminal/confirm";
import type { Output } from "../terminal/output";

/**
 * Has the name of a production cluster typed before something that can't be taken back. Without a terminal it says which option takes
 * the name.
 * @param besides the option that was given and doesn't suffice, such as `--allow`; undefined when there was none
 * @param given names that `--confirm` was given, none of them the right one
 */
export async function clusterNameIsTyped(
  name: string,
  output: Output,
  besides: string | undefined,
  given: readonly string[] = [],
): Promise<boolean> {
  if (isInteractive())
    return confirm(`\nThis is production. Type the name of its cluster, ${name}, to go on.`, name);
  const wrong = given.length > 0 ? ` (--confirm ${given.join(", ")} is not it)` : "";
  output.problem(
    `\nThis is production: ${besides === undefined ? "" : `besides ${besides}, `}the name of its cluster has to be typed, but this is not a terminal. Pass --confirm ${name}${wrong}.`,
  );
  return false;
}
