export { addressed, bringBack, npmRunIn, SANDBOX_FOLDER, sandboxAt, shellIn, shownPath } from "./place";
