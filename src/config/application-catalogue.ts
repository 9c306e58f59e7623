import type { ResourceProfile } from "./resource-profiles";

/** What an application of flux/apps gets when the configuration says nothing about it. */
export interface ApplicationDefaults {
  /** Labels of its hosts in front of the environment's domain: `chat` → `chat.example.com`. Empty: not reachable from outside. */
  readonly hosts: readonly string[];
  /** Storage class of the configuration that its volume is sized from. */
  readonly storage: StorageClassName;
  /** Why it can't run more than one replica; absent when it can. */
  readonly singleReplica?: string;
  /** What its own document states, for every environment that `statedIn` doesn't name. */
  readonly stated?: StatedSizes;
  /** What its own document states for an environment of this name; the rest comes from `stated`. */
  readonly statedIn?: Readonly<Record<string, StatedSizes>>;
}

/** Sizes that an application's own document states. They hold until the configuration names the application. */
export interface StatedSizes {
  /** Instead of the environment's profile. */
  readonly resources?: ResourceProfile;
  /** Replicas; the fewest ones where `maxReplicas` is stated too. */
  readonly replicas?: number;
  /** Most replicas of an application that scales by itself. */
  readonly maxReplicas?: number;
  /** Size of its volume, in Gi or Ti, instead of that of the storage class. */
  readonly storageSize?: string;
}

/** The two storage classes of the dynamic configuration: small and quick, large and growing. */
export const STORAGE_CLASSES = ["fast", "bulk"] as const;
export type StorageClassName = (typeof STORAGE_CLASSES)[number];

/** The applications of this repository that follow the dynamic configuration. A new one is a line here and a folder in flux/apps. */
export const APPLICATIONS: Readonly<Record<string, ApplicationDefaults>> = {
  chatbox: {
    hosts: ["chatbox"],
    storage: "fast",
    stated: {
      resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "1Gi" } },
      replicas: 3,
      maxReplicas: 10,
    },
  },
  // The nodes of its cluster; the proxy in front of them is sized in the chart.
  fade: {
    hosts: ["fade"],
    storage: "fast",
    stated: {
      resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { cpu: "200m", memory: "256Mi" } },
      replicas: 3,
    },
  },
  // The backend. Its document states memory only: the CPU is what a profile of the same memory would give at most.
  fluxgate: {
    hosts: [],
    storage: "fast",
    stated: {
      resources: { requests: { cpu: "100m", memory: "256Mi" }, limits: { cpu: "500m", memory: "512Mi" } },
      replicas: 3,
    },
    statedIn: {
      dev: { replicas: 1 },
      production: {
        resources: { requests: { cpu: "250m", memory: "512Mi" }, limits: { cpu: "1000m", memory: "1Gi" } },
      },
    },
  },
  mattermost: {
    hosts: ["chat"],
    storage: "fast",
    singleReplica: "Mattermost Team Edition has no cluster mode, and its volume is ReadWriteOnce",
  },
  nextcloud: {
    hosts: ["cloud"],
    storage: "bulk",
    singleReplica: "its volume is ReadWriteOnce",
  },
  // The API and its database. The document states no resources: small pods, since there are many of them.
  traversion: {
    hosts: ["api.traversion", "ws.traversion", "monitoring.traversion", "grafana.traversion"],
    storage: "bulk",
    stated: {
      resources: { requests: { cpu: "250m", memory: "256Mi" }, limits: { cpu: "1000m", memory: "1Gi" } },
      replicas: 3,
      maxReplicas: 50,
    },
    statedIn: { production: { replicas: 5, storageSize: "200Gi" } },
  },
};

/** What an application's document states for an environment; empty when it states nothing. */
export function statedSizes(application: string, environment: string): StatedSizes {
  const { stated, statedIn } = APPLICATIONS[application] ?? {};
  return { ...stated, ...statedIn?.[environment] };
}
