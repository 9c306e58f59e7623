import { appendFileSync } from "node:fs";

/** A fault that a test has injected, and seen to do no harm. */
export interface InjectedFault {
  /** Where the suite looks for loss: "static configuration", "state", "secrets", "availability". */
  readonly area: string;
  /** What went wrong: "killed", "disk full", "429". */
  readonly fault: string;
  /** Where it went wrong: "staging-cluster: digitalocean_vpc create", "the 12th call of a tool". */
  readonly point: string;
}

/**
 * Notes a fault for the table that `npm run test:faults` prints at its end. Called after the assertions that nothing was lost, so
 * that only faults which really struck, and did no harm, are counted.
 */
export function injected(fault: InjectedFault): void {
  const file = process.env.FAULTS_FILE;
  if (file) appendFileSync(file, `${JSON.stringify(fault)}\n`);
}
