export { addressed } from "./addressed";
export { bringBack, npmRunIn, sandboxAt, shellIn, shownPath } from "./place";
export { REPOSITORY, SANDBOX_DIRECTORY } from "./repository";
