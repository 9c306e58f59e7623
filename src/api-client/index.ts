export {
  digitalOceanApi,
  digitalOceanToken,
  gitHubAddressProblem,
  gitHubApi,
  gitHubHost,
  gitHubProviderAddress,
  gitHubWeb,
  isPlainUrl,
} from "./addresses";
export { type ApiAnswer, type ApiRequest, ApiUnavailable, callApi } from "./call";
export { type ListRequest, listAll, listDigitalOcean, refusal } from "./list-all";
export { PROXY_VARIABLES, ProxyError, proxyFor } from "./proxy";
export { RETRY_LIMITS, type RetryLimits } from "./retry-policy";
export { TunnelAgent } from "./tunnel-agent";
