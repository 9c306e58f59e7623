export { lostRecord } from "./configuration-record";
export { MissingPrerequisites, missingCredentials } from "./credentials";
export { readDotenv, setDotenv } from "./dotenv";
export { stackInputs } from "./stack-inputs";
export { type DescribedStack, describeStacks, synthesizeStacks } from "./synthesis";
export {
  DEFAULT_SANDBOX,
  openWorkspace,
  REPOSITORY,
  SANDBOX_DIRECTORY,
  sandboxDirectories,
  sandboxDirectory,
  usedConfiguration,
  type Workspace,
  type WorkspaceOptions,
} from "./workspace";
