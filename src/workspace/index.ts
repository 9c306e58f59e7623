export { REPOSITORY, SANDBOX_DIRECTORY } from "../place";
export { lostRecord } from "./configuration-record";
export { MissingPrerequisites, missingCredentials } from "./credentials";
export { readableDotenv, readDotenv, setDotenv } from "./dotenv";
export { stackInputs } from "./stack-inputs";
export { type DescribedStack, describeStacks, synthesizeStacks } from "./synthesis";
export {
  DEFAULT_SANDBOX,
  openWorkspace,
  sandboxDirectories,
  sandboxDirectory,
  usedConfiguration,
  type Workspace,
  type WorkspaceOptions,
} from "./workspace";
