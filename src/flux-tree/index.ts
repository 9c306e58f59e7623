export { formatAmount } from "../config/amounts";
export type { Capacity } from "./capacity";
export { type Fix, type FixResult, fixTree } from "./fix";
export {
  build,
  hasOwnChart,
  type RenderedChart,
  type RenderedKustomization,
  type RenderOptions,
  renderEnvironment,
  renderKustomization,
} from "./render";
export { type Exception, type Finding, RULES } from "./rules";
export {
  type Reference,
  referencesIn,
  refusedForms,
  substitute,
  VARIABLE_NAME,
  variablesIn,
  withoutComments,
} from "./substitution";
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
export { TreeValidator, type ValidationOptions } from "./validate";
export type { EnvironmentReport, ValidationReport } from "./validation-report";
