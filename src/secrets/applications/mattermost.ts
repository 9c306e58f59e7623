import type { ApplicationSecret } from "../application-secret";

/**
 * None: CloudNativePG makes the credentials of Mattermost's database, Mattermost keeps the keys that it makes in there, and
 * the first person who signs up becomes its administrator.
 */
export const mattermostSecrets: readonly ApplicationSecret[] = [];
