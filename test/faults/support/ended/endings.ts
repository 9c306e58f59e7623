import { setTimeout as sleep } from "node:timers/promises";
import type { SandboxProject } from "../../../support/sandbox-project";
import { goOn, type Point } from "./points";
import type { Ended, WatchedCommand } from "./watched-command";

/** What goes on while the next deploy runs. */
type Afterwards = (next: WatchedCommand) => Promise<void>;

interface Way {
  /** Ends a deploy, or has it end. */
  readonly strike: (
    deploy: WatchedCommand,
    project: SandboxProject,
    point: Point,
  ) => Promise<Afterwards | undefined>;
  readonly ended: Ended;
  /** What a deploy that has ended in this way says and should not. */
  readonly wrongIn: (deploy: WatchedCommand, point: Point) => string[];
}

const KILLED: Pick<Way, "ended" | "wrongIn"> = {
  ended: { code: null, signal: "SIGKILL" },
  wrongIn: () => [],
};

/** More than separates two keystrokes from one (src/deployment/interruption.ts). */
const A_SECOND_KEYSTROKE_MS = 1_100;
/** terraform looks once a second whether the process of a provider is there: one that a signal has ended would be missed. */
const MISSED_MS = 1_500;

const terraforms = (deploy: WatchedCommand): number[] =>
  deploy
    .spawned()
    .flatMap(({ pid, words }) => (words[0] === "terraform" && words[1] === "apply" ? [pid] : []));

const isTold = (deploy: WatchedCommand): Promise<void> =>
  deploy.until("it says that it is interrupted", () => /^(?:Interrupted|Stopping)\b/m.test(deploy.text));

/** An interrupt is no failure, whatever it has ended. */
const interrupted: Pick<Way, "ended" | "wrongIn"> = {
  ended: { code: 130, signal: null },
  wrongIn: ({ text }, { stalled }) => [
    ...(/ failed\b| partly applied\b/.test(text) ? [`told as a failure:\n${text}`] : []),
    ...(text.includes(stalled.length > 0 ? "goes on from there" : "Nothing was changed")
      ? []
      : [`doesn't say how it goes on:\n${text}`]),
  ],
};

const once = (strike: (deploy: WatchedCommand) => void, wait = 0): Way => ({
  strike: async (deploy, project, { stalled }) => {
    strike(deploy);
    await isTold(deploy);
    if (stalled.length > 0) await sleep(wait);
    goOn(project);
    return undefined;
  },
  ...interrupted,
});

/** Ways to end a deploy. */
export const ENDINGS = {
  "deploy killed": {
    strike: async (deploy) => {
      deploy.signal("SIGKILL");
      return undefined;
    },
    ...KILLED,
  },
  "deploy killed, terraform lives on": {
    strike: async (deploy) => {
      const living = terraforms(deploy);
      for (const pid of living) process.kill(pid, "SIGSTOP");
      deploy.signal("SIGKILL");
      return async (next) => {
        await next.until("it plans", () => next.spawned().some(({ words }) => words[1] === "plan"));
        await sleep(500);
        for (const pid of living) process.kill(pid, "SIGCONT");
      };
    },
    ...KILLED,
  },
  "deploy and terraform killed": {
    strike: async (deploy) => {
      deploy.killAll();
      return undefined;
    },
    ...KILLED,
  },
  "Ctrl-C": once((deploy) => deploy.signalGroup("SIGINT"), MISSED_MS),
  SIGTERM: once((deploy) => deploy.signal("SIGTERM")),
  "terminal closed": once((deploy) => deploy.signalGroup("SIGHUP")),
  "Ctrl-C twice": {
    strike: async (deploy) => {
      deploy.signalGroup("SIGINT");
      await isTold(deploy);
      await sleep(A_SECOND_KEYSTROKE_MS);
      deploy.signalGroup("SIGINT");
      return undefined;
    },
    ...interrupted,
    wrongIn: (deploy, point) => [
      ...interrupted.wrongIn(deploy, point),
      ...(/stopped at once while creating \S/.test(deploy.text)
        ? []
        : [`not told what was cut off:\n${deploy.text}`]),
    ],
  },
} as const satisfies Record<string, Way>;

export type Ending = keyof typeof ENDINGS;
