import type { Project } from "../config";
import type { PreparationFinding } from "../state";
import type { Variables } from "../terraform";
import type { Report } from "./report";

/** What setup was asked to do. */
export interface SetupOptions {
  /** Change nothing. */
  readonly check: boolean;
  /** Create what is missing without a question. */
  readonly yes: boolean;
  /** Somebody is at a terminal and wants to be asked. */
  readonly ask: boolean;
}

/** What of a configuration decides about other checks; undefined where it can't be read. */
export interface Facts {
  readonly backend?: string;
  readonly domain?: string;
  readonly email?: string;
  /** Whether it has `github`. */
  readonly github?: boolean;
  readonly owner?: string;
  readonly repository?: string;
}

/** What every check works with. */
export interface SetupContext {
  /** The checkout. */
  readonly directory: string;
  readonly options: SetupOptions;
  readonly environment: Variables;
  readonly report: Report;
  readonly facts: Facts;
  /** The values of the environment, then those of .env. */
  readonly settings: () => Variables;
  /** Undefined as long as the configuration isn't valid. */
  readonly project: Project | undefined;
  readonly questions: Questions;
  readonly states: StatePreparation;
  /** The name server to ask, as `address:port`; default: the machine's. */
  readonly nameServer?: string;
}

/** What people are asked. */
export interface Questions {
  /** A question that Enter answers with yes. */
  agrees(question: string): Promise<boolean>;
  /** A line that is not shown while it is typed; empty when it is left out. */
  unseen(question: string): Promise<string>;
}

/**
 * Looks at the bucket of the states, or creates what is missing of it: `npm run state -- prepare`.
 * @returns why it could not go on; undefined when it could
 */
export type StatePreparation = (
  project: Project,
  how: {
    readonly check: boolean;
    readonly variables: Variables;
    readonly tell: (finding: PreparationFinding) => void;
  },
) => Promise<string | undefined>;
