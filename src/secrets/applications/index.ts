import type { ApplicationSecret } from "../application-secret";
import { chatboxSecrets } from "./chatbox";
import { fluxgateSecrets } from "./fluxgate";
import { infrastructureSecrets } from "./infrastructure";
import { mattermostSecrets } from "./mattermost";
import { nextcloudSecrets } from "./nextcloud";
import { traversionSecrets } from "./traversion";

/** The secrets that the systems in flux/ need, in every environment that applies them. */
export const applicationSecrets: readonly ApplicationSecret[] = [
  ...infrastructureSecrets,
  ...chatboxSecrets,
  ...fluxgateSecrets,
  ...mattermostSecrets,
  ...nextcloudSecrets,
  ...traversionSecrets,
];
