export { outputsRead } from "./assumed-outputs";
export {
  type Action,
  type AttributeChange,
  GITHUB_ENVIRONMENT,
  type LostObject,
  namesOfReviewers,
  type ResourceChange,
  type ReviewedEnvironment,
  type ReviewerId,
  reviewerIds,
  type TerraformPlan,
} from "./changes";
export type { Import } from "./importing-stack";
export { lockProviders, VERSIONS_FILE, versionsText } from "./lock-providers";
export { missingUpstream, stateOutputs } from "./outputs";
export {
  applyPlan,
  hasChanges,
  moveInState,
  PLAN_FILE,
  type PlanOptions,
  planStack,
  readPlan,
  refreshState,
  type StackPlan,
  type Variables,
} from "./plan";
export {
  LOCK_FILE,
  type LockedProvider,
  PLATFORMS,
  type Provider,
  parseLock,
  providerName,
} from "./provider-lock";
export { type Outcome, schedule, Turns } from "./schedule";
export { appliedIn, ERRORED_STATE } from "./stack-copy";
export { hasLocalState, readStackDocument, type StackDocument } from "./stack-document";
export { environmentOf, readStacks, type SynthesizedStack, withDependencies } from "./stacks";
export {
  pushState,
  readState,
  type StackDeployment,
  type StateDocument,
  stackDeployment,
} from "./state";
export { withTemporaryFolder } from "./temporary-folder";
export {
  type Diagnostic,
  type Ending,
  type Inputs,
  interruptAll,
  runningProcesses,
  TerraformError,
  type TerraformEvent,
} from "./terraform";
export { CLUSTER_TYPE } from "./upgrading-stack";
