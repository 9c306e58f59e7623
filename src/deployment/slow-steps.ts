import { type ApiAnswer, callApi, gitHubApi } from "../api-client";
import type { Output } from "../terminal/output";
import type { TerraformEvent, Variables } from "../terraform";

const LOOK_MS = 15_000;

interface Step {
  readonly doing: string;
  readonly begun: number;
}

export interface SlowSteps {
  readonly onEvent: (event: TerraformEvent) => void;
  /** Ends the watch, which else keeps no process alive. */
  end(): void;
}

/**
 * Shows that something is still going on when a single step takes long. Terraform tells nothing while a plan reads, and GitHub's provider
 * waits for a used-up rate limit, up to an hour, without a word: where GitHub doesn't answer for long, its limit is asked for.
 */
export function watchSteps(
  stack: string,
  output: Output,
  variables: Variables,
  everyMs: number = LOOK_MS,
): SlowSteps {
  const steps = new Map<string, Step>();
  const look = async (): Promise<void> => {
    const slow = [...steps].filter(([, { begun }]) => Date.now() - begun >= everyMs);
    for (const [address, { doing, begun }] of slow)
      output.progress(stack, `${address} still ${doing} after ${Math.round((Date.now() - begun) / 1000)} s`);
    if (slow.some(([address]) => /^(?:data\.)?github_/.test(address))) {
      const reset = await gitHubReset(variables).catch(() => undefined);
      if (reset) output.problem(`${stack}: ${waitForGitHub(reset)}`);
    }
  };
  const timer = setInterval(() => void look(), everyMs).unref();
  return {
    onEvent: ({ type, hook }) => {
      const address = hook?.resource?.addr;
      if (address === undefined) return;
      if (type === "refresh_start") steps.set(address, { doing: "reading", begun: Date.now() });
      if (type === "apply_start") steps.set(address, { doing: hook?.action ?? "working", begun: Date.now() });
      if (/^(?:refresh_complete|apply_complete|apply_errored)$/.test(type)) steps.delete(address);
    },
    end: () => clearInterval(timer),
  };
}

/** When GitHub takes requests again; undefined while it does. Asking costs nothing of the limit. */
async function gitHubReset(variables: Variables): Promise<Date | undefined> {
  const answer = await callApi({
    service: "GitHub",
    url: `${gitHubApi(variables)}rate_limit`,
    token: variables.GITHUB_TOKEN,
  });
  return resetOf(answer);
}

function resetOf({ body, status }: ApiAnswer): Date | undefined {
  if (status !== 200) return undefined;
  const { resources } = JSON.parse(body) as {
    resources?: { core?: { remaining?: number; reset?: number } };
  };
  const { remaining, reset } = resources?.core ?? {};
  return remaining === 0 && reset ? new Date(reset * 1000) : undefined;
}

function waitForGitHub(reset: Date): string {
  const minutes = Math.max(1, Math.ceil((reset.getTime() - Date.now()) / 60_000));
  return `GitHub's rate limit for this token is used up. The provider waits until ${reset.toISOString().slice(11, 16)} UTC (${minutes} min), then goes on. Ctrl-C stops it.`;
}
