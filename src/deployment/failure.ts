import { relative } from "node:path";
import { CONFIGURATION_FILE } from "../config";
import { addressed, sandboxAt } from "../place";
import { type Diagnostic, type Ending, TerraformError } from "../terraform";
import { REPOSITORY, sandboxDirectory, usedConfiguration } from "../workspace";
import { isTaken } from "./adoption/conflicts";
import { explainLock, LOCKED } from "./lock-failure";
import { adviceOn, unreachableRegistry } from "./trouble";

/** What terraform says of everything that it didn't begin after an interrupt. */
const HALTED = "execution halted";
const INTERRUPTED = /interrupt received|operation canceled|Interrupt/i;
/** What it says of a call that a second interrupt has cut off. */
const CUT_OFF = "operation canceled";

/** Whether terraform did nothing but what an interrupt asks for: it has ended what it was doing, or was ended. */
export function isHalted(error: Error): boolean {
  if (!(error instanceof TerraformError)) return false;
  const errors = error.diagnostics.filter(({ severity }) => severity === "error");
  const ended = error.ending.signal === "SIGINT" || error.ending.signal === "SIGKILL";
  return errors.length > 0
    ? errors.every(({ summary }) => summary === HALTED || summary === CUT_OFF)
    : ended || INTERRUPTED.test(error.output);
}

/** How terraform has ended of an interrupt (isHalted()), in words. */
export function explainHalt(error: Error): string {
  const { underWay } = (error as TerraformError).ending;
  return underWay.length === 0
    ? "terraform ended what it was doing and did not begin the rest"
    : `terraform was stopped at once while ${underWay.join(", ")}: that may be done in the cloud, and the state not know it. The same command goes on from what is there, or says why not`;
}

/** A failed run of terraform, with what to do about some of its resources. */
export class ExplainedFailure extends Error {
  constructor(
    readonly failure: TerraformError,
    /** By address. */
    readonly advice: ReadonlyMap<string, string>,
  ) {
    super(failure.message);
    this.name = "ExplainedFailure";
  }
}

/** What goes on after a failure: a deploy after a destruction that failed would recreate everything. */
export type Continuation = "deploy" | "destroy";

/** An error in words: terraform's diagnostics with the resource they are about, or the message. */
export function explain(error: Error, next: Continuation = "deploy"): string {
  if (error instanceof ExplainedFailure) return explainFailure(error.failure, error.advice, next);
  return error instanceof TerraformError ? explainFailure(error, new Map(), next) : error.message;
}

function explainFailure(
  error: TerraformError,
  advice: ReadonlyMap<string, string>,
  next: Continuation,
): string {
  const { diagnostics, ending, output, message, directory, stackName } = error;
  const errors = diagnostics.filter(
    ({ severity, summary }) => severity === "error" && summary !== HALTED && !isLostProvider(summary),
  );
  const lost = diagnostics.find(({ summary }) => isLostProvider(summary));
  const said = [
    ...errors.map((diagnostic) =>
      describe(
        // A script that terraform runs names files from where it runs; a precondition was declared without knowing where.
        { ...diagnostic, detail: withConfiguration(directory, addressed(directory, diagnostic.detail)) },
        advice,
        whereTo(ending, errors),
        { stack: stackName, directory, action: ending.failed?.get(diagnostic.address ?? ""), next },
      ),
    ),
    ...(lost
      ? [
          `The connection to a provider broke${whereTo(ending, errors)}${callOf(lost)}. ${PROVIDER_LOST} ${goesOn(next)}`,
        ]
      : []),
    ...(ending.signal && ending.signal !== "SIGINT"
      ? [`terraform was killed (${ending.signal})${whereTo(ending, errors)}. ${goesOn(next)}`]
      : []),
  ];
  if (said.length === 0) {
    const halted = diagnostics.some(({ summary }) => summary === HALTED);
    said.push(
      unreachableRegistry(output, next) ??
        (output || (halted ? "stopped before the rest was begun" : "terraform printed nothing")),
    );
  }
  const passing = errors
    .filter(({ address }) => !advice.has(address ?? ""))
    .flatMap((one) => adviceOn(one, next) ?? []);
  return [message, ...[...said, ...new Set(passing)].map(indent)].join("\n");
}

/** A text with the file that a sandbox's configuration comes from: its own, the checkout's or the example. */
function withConfiguration(directory: string, text: string): string {
  const sandbox = sandboxAt(directory);
  if (sandbox === undefined || !text.includes(CONFIGURATION_FILE)) return text;
  const used = relative(REPOSITORY, usedConfiguration(sandboxDirectory(sandbox, false)));
  return text.replaceAll(CONFIGURATION_NAME, used);
}

/** The configuration's name without a folder, which a text that knows the place has before it; the example's is another. */
const CONFIGURATION_NAME = /(?<![\w./-])infrastructure\.config\.json(?!\.example)/g;

/** terraform's words for a provider whose process ended, or broke the connection, in the middle of a call. */
function isLostProvider(summary: string): boolean {
  return /^(?:Plugin did not respond|Reattachment process not found|Plugin error|Request cancelled|Unrecognized remote plugin message|Failed to (?:load|obtain|request) (?:plugin|provider|schema).*)|^rpc error: code = (?:Unavailable|Canceled)/.test(
    summary,
  );
}

/** The call of the plugin protocol that had no answer: where terraform names no resource it says at least what it was about. */
function callOf({ detail }: Diagnostic): string {
  const [, call] = /\(\*GRPCProvider\)\.(\w+)/.exec(detail) ?? [];
  return call === undefined ? "" : ` (in its call ${call})`;
}

/** What terraform had not finished, apart from what has an error of its own. */
function whereTo({ underWay }: Ending, errors: readonly Diagnostic[]): string {
  const untold = underWay.filter(
    (doing) => !errors.some(({ address }) => address && doing.endsWith(` ${address}`)),
  );
  return untold.length > 0 ? ` while ${untold.join(", ")}` : "";
}

const goesOn = (next: Continuation): string =>
  `What was done until then is in the state: the next ${next} goes on from there.`;
const PROVIDER_LOST = "Its process has ended (a crash, no memory left, killed).";

/** terraform's own advice (edit the resource, -target) makes no sense to someone who edits one configuration file. */
const PROTECTED = "Instance cannot be destroyed";

const TAKEN =
  "It is in the cloud and not in the state, as after a run that was cut off: the next deploy takes it over, or says why not.";

/** It was looked for in the cloud, and another one of the same run was not imported. */
const NOT_ALONE =
  "It is in the cloud and not in the state, and was not imported: nothing is, as long as something else of this run can't be. Mend that first. Then run the same command again, with every --adopt of this one.";

/** A change or a deletion that conflicts with something is no creation of what is there: nothing would be imported. */
const IN_THE_WAY =
  "Something in the cloud is in the way: another change of it is under way, or something else has this name or uses it.";

function conflictAdvice(
  action: string | undefined,
  next: Continuation,
  advice: ReadonlyMap<string, string>,
): string {
  const creates = action === undefined ? next === "deploy" : action === "create";
  if (!creates)
    return `${IN_THE_WAY} ${next === "deploy" ? "Deploy" : "Destroy"} again in a few minutes; if it stays, look at it there.`;
  return advice.size > 0 ? NOT_ALONE : TAKEN;
}

interface Circumstances {
  readonly stack: string;
  readonly directory: string;
  /** What terraform was doing with the resource. */
  readonly action: string | undefined;
  readonly next: Continuation;
}

function describe(
  { summary, detail, address }: Diagnostic,
  advice: ReadonlyMap<string, string>,
  underWay: string,
  { stack, directory, action, next }: Circumstances,
): string {
  if (summary === LOCKED) return explainLock(stack, detail, directory);
  if (summary === PROTECTED) {
    const resource = /Resource (\S+)/.exec(detail)?.[1] ?? address ?? "a resource";
    return [
      `${resource} is protected, and the changed configuration would destroy or replace it.`,
      "Take back what you changed last (a name, a domain, a region, a whole environment). docs/static-configuration.md#when-a-value-changes has how to change a domain for real.",
    ].join("\n");
  }
  // terraform names no resource for what fails while it destroys.
  const where = address ? `${address}: ` : underWay.replace(/^ (while .*)$/, "$1: ");
  const told = advice.get(address ?? "");
  return [
    `${where}${summary}`,
    ...(detail ? [indent(detail.trim())] : []),
    ...(told ? [told] : isTaken({ summary, detail }) ? [conflictAdvice(action, next, advice)] : []),
  ].join("\n");
}

function indent(text: string): string {
  return text
    .split("\n")
    .map((line) => `  ${line}`)
    .join("\n");
}
