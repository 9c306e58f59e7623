export { REPOSITORY, SANDBOX_DIRECTORY } from "../place";
export { foreignToTokens } from "./characters";
export { configurationNotes } from "./configuration-record";
export { exampleNames, ghTokenHint, MissingPrerequisites, missingCredentials } from "./credentials";
export {
  clearDotenv,
  DOTENV_FIX,
  DotenvError,
  dotenvMayHold,
  dotenvReadings,
  readDotenv,
  setDotenv,
} from "./dotenv";
export { explainFolders, foldersFix, missingFolders } from "./environment-folders";
export { lockWorkspace } from "./lock";
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
