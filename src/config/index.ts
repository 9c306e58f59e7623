export { APPLICATIONS, type StorageClassName, statedSizes } from "./application-catalogue";
export * from "./derive";
export { isLoopback } from "./endpoints";
export { rangesOverlap } from "./ip-ranges";
export {
  applicationsWithoutTree,
  CONFIGURATION_FILE,
  EXAMPLE_FILE,
  explainWithoutTree,
  loadProject,
  parseProject,
} from "./load";
export { POOL_LABEL, SYSTEM_POOL, WORKLOAD_POOL } from "./names";
export { ConfigurationError, formatProblem, nearest, type Problem } from "./problem";
export {
  EXAMPLE_OWNER,
  PLACEHOLDER_CLUSTER,
  PLACEHOLDER_DOMAIN,
  PLACEHOLDER_PROJECT,
  PLACEHOLDER_REGISTRY,
  PLACEHOLDER_REPOSITORY,
} from "./reserved-names";
export type { ResourceProfile, Storage } from "./resource-profiles";
export { GITHUB_PLANS, type GitHubPlan } from "./schema";
