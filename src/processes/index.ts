export { isAlive, ownIdentity, type ProcessIdentity } from "./process-identity";
export { isRunning } from "./running-process";
