export {
  build,
  hasOwnChart,
  type RenderedChart,
  type RenderedKustomization,
  renderEnvironment,
} from "./render";
export { refusedForms, substitute, VARIABLE_NAME, variablesIn, withoutComments } from "./substitution";
export { MissingTool, runTool, type Tool, toolPath, toolsDirectory } from "./tools";
export {
  FLUX_FOLDER,
  type FluxKustomization,
  FluxTree,
  isKustomizeFile,
  isWrittenByBootstrap,
  type Manifest,
  parseManifests,
} from "./tree";
