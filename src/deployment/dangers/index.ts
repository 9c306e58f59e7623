import type { Danger } from "./danger";
import { environmentRemoval, wayOut } from "./environment-removal";
import { changedDomain, changedHosts, changedName, changedRegion, changedVpcRange } from "./fixed-fields";
import { haRemoval } from "./ha-removal";
import { kubernetesVersion } from "./kubernetes-version";
import { lostResources } from "./lost-resources";
import { missingInCloud } from "./missing-in-cloud";
import { podsWithoutRoom } from "./pods-without-room";
import { changedRepository } from "./repository-change";
import { storageClassChange } from "./storage-class-change";
import { storageShrink } from "./storage-shrink";

export {
  DANGER_KINDS,
  type DangerContext,
  type DangerKind,
  type Finding,
  isProduction,
  PROTECTED,
} from "./danger";
export { type CapacityQuestion, capacityQuestions, shortOf } from "./pods-without-room";
export type { CapacityAnswer, Room } from "./room";
export { wayOut };

/** Every danger, in the order in which they are told: what the configuration says first, then what the plans do. */
export const DANGERS: readonly Danger[] = [
  missingInCloud,
  environmentRemoval,
  changedName,
  changedRegion,
  changedVpcRange,
  changedDomain,
  changedHosts,
  changedRepository,
  kubernetesVersion,
  haRemoval,
  storageShrink,
  storageClassChange,
  podsWithoutRoom,
  lostResources,
];

/**
 * Dangers of values that all environments share: whichever environment is deployed, flux/ is configured for all of them, and the branch
 * that Flux reads is the same.
 */
export const SHARED_DANGERS: readonly Danger[] = [
  changedName,
  changedDomain,
  changedHosts,
  changedRepository,
];
