export {
  type ClusterReader,
  ClusterUnreachable,
  KubectlMissing,
  kubectlReader,
  withCluster,
} from "./cluster-reader";
export { type ConfigMapStatus, compareConfigMaps, type ValueDifference } from "./config-maps";
export {
  type FluxObjectStatus,
  type FluxState,
  type FluxStatus,
  interpretFlux,
  readFlux,
} from "./flux-status";
export { KubeconfigRefused, withKubeconfig } from "./kubeconfig";
export type { ConfigMap, KubernetesObject } from "./kubernetes-object";
export { type RoomForPods, readPods, roomForPods } from "./pods";
