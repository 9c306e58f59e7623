export { type Checkout, describeCheckout, type GitCheckout, type NoCheckout } from "./checkout";
export { type GitRun, gitEnvironment, NETWORK_TIMEOUT_MS, runGit, withoutCredentials } from "./run-git";
