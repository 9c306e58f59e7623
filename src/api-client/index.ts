export { type ApiAnswer, type ApiRequest, ApiUnavailable, callApi } from "./call";
export { RETRY_LIMITS, type RetryLimits } from "./retry-policy";
