import type { SecretsContext } from "../secrets/inventory";
import type { Sops } from "../secrets/sops";
import type { Output } from "../terminal/output";
import type { Workspace } from "../workspace";

/** What a subcommand of `npm run secrets` works with. */
export interface SecretsWork {
  readonly workspace: Workspace;
  readonly output: Output;
  readonly sops: Sops;
  /** The environments that were asked for. */
  readonly contexts: readonly SecretsContext[];
}

/** What a subcommand does in an open workspace. Returns the exit code. */
export type SecretsAction = (work: SecretsWork) => Promise<number>;
