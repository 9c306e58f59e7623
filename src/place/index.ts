export { addressed } from "./addressed";
export { listOf } from "./list";
export { bringBack, npmRunIn, sandboxAt, shellIn, shownPath } from "./place";
export { REPOSITORY, SANDBOX_DIRECTORY, SANDBOX_FOLDER } from "./repository";
