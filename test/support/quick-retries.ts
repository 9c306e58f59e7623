import type * as Policy from "../../src/api-client/retry-policy";

/** For `jest.mock("…/api-client/retry-policy", quickRetries)`: the real policy without the seconds between attempts. */
export function quickRetries(): typeof Policy {
  const policy = jest.requireActual<typeof Policy>("../../src/api-client/retry-policy");
  return { ...policy, RETRY_LIMITS: { ...policy.RETRY_LIMITS, firstDelayMs: 1 } };
}
