import { environmentOf, type StackPlan, type SynthesizedStack } from "../terraform";
import type { Workspace } from "../workspace";
import { collisions } from "./clusters-elsewhere";
import {
  type CapacityAnswer,
  type CapacityQuestion,
  capacityQuestions,
  DANGERS,
  type DangerContext,
  type Finding,
  SHARED_DANGERS,
} from "./dangers";
import { decryptionKeyRefusals } from "./decryption-key";
import { deployedClusters } from "./deployed-clusters";
import { missingObjects } from "./missing-objects";
import { openEnvironmentRefusals } from "./open-environments";
import { orphanedStacks } from "./orphaned-stacks";
import { takenRanges } from "./taken-ranges";

/** What adds up the pods of environments. What it can't tell is in `unknown`, in words. */
export type CapacityReader = (questions: readonly CapacityQuestion[]) => Promise<{
  readonly answers: ReadonlyMap<string, CapacityAnswer>;
  readonly unknown: readonly string[];
}>;

export interface ExaminationOptions {
  readonly workspace: Workspace;
  readonly all: readonly SynthesizedStack[];
  readonly selected: readonly SynthesizedStack[];
  /** Those that could be made; where Terraform refused one, the configuration is compared with what is deployed all the same. */
  readonly plans: readonly StackPlan[];
  /** Addresses that `--adopt` names. */
  readonly adopt?: readonly string[];
  /** Those that could not be made: what they would change is unknown, and their clouds are asked for what is missing. */
  readonly failures?: ReadonlyArray<{ readonly stack: string }>;
  /** Absent: the pods are not added up. */
  readonly readCapacity?: CapacityReader;
}

/** What speaks against plans. */
export interface Examination {
  /** What `--allow` can let through. */
  readonly findings: readonly Finding[];
  /** What nothing can let through, since it would work for nobody. */
  readonly impossible: readonly string[];
  /** What could not be checked, and why. */
  readonly notes: readonly string[];
}

/**
 * Looks for every danger in plans and configuration, before anything is touched. It reads states and the tree and changes nothing.
 * @throws Error, or TerraformError, for a state that can't be read
 */
export async function examine(options: ExaminationOptions): Promise<Examination> {
  const { workspace, all, selected, plans, failures = [], adopt, readCapacity } = options;
  const environments = new Set(selected.map(environmentOf));
  const others = all.filter((stack) => !environments.has(environmentOf(stack)));
  const questions = readCapacity ? capacityQuestions(plans, workspace.project) : [];
  const [deployed, elsewhere, capacity, taken, ranges, open, missing] = await Promise.all([
    deployedClusters(
      all.filter((stack) => environments.has(environmentOf(stack))),
      workspace.variables,
    ),
    sharedWith(others, workspace),
    readCapacity && questions.length > 0 ? readCapacity(questions) : { answers: new Map(), unknown: [] },
    collisions(plans, workspace, adopt),
    takenRanges(plans, workspace),
    openEnvironmentRefusals(plans, workspace),
    missingObjects({
      plans,
      failed: selected.filter(({ name }) => failures.some(({ stack }) => stack === name)),
      variables: workspace.variables,
    }),
  ]);
  const context: DangerContext = {
    workspace,
    plans,
    deployed,
    orphans: await orphanedStacks(workspace, all),
    missing,
    capacity: capacity.answers,
  };
  return {
    findings: [
      ...DANGERS.flatMap((danger) => danger(context)),
      ...SHARED_DANGERS.flatMap((danger) => danger({ ...context, deployed: elsewhere.deployed })).map(
        outsideSelection,
      ),
    ],
    impossible: [
      ...taken.refusals,
      ...ranges.refusals,
      ...open,
      ...plans.flatMap((plan) => decryptionKeyRefusals(plan, workspace)),
    ],
    notes: [...elsewhere.notes, ...capacity.unknown, ...taken.notes, ...ranges.notes],
  };
}

/** What the environments are now that share the project's names and are not deployed this time. An unreadable state stops no other one. */
async function sharedWith(
  stacks: readonly SynthesizedStack[],
  { variables }: Workspace,
): Promise<{ readonly deployed: DangerContext["deployed"]; readonly notes: readonly string[] }> {
  const notes: string[] = [];
  const read = await Promise.all(
    [...new Set(stacks.map(environmentOf))].map(async (environment) => {
      const own = stacks.filter((stack) => environmentOf(stack) === environment);
      return deployedClusters(own, variables).catch((error: Error) => {
        notes.push(
          `${environment} is left out of this deploy, and whether it is deployed with other shared names is not known: ${error.message}`,
        );
        return new Map<string, never>();
      });
    }),
  );
  return { deployed: new Map(read.flatMap((one) => [...one])), notes };
}

/** A danger for an environment that is left out: it would get one half of the change, and not the other. */
function outsideSelection(finding: Finding): Finding {
  const { environment, consequence } = finding;
  return {
    ...finding,
    consequence: `${consequence} This deploy leaves ${environment} out, which reads the same flux/: Flux would bring it the new names from Git, and its cloud and ConfigMaps would keep the old ones.`,
    allowed: `${environment} stays halfway until it is deployed, too. Better deploy all environments together, without --environment and --stack.`,
    leftOut: true,
  };
}
