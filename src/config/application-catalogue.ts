/** What an application of flux/apps gets when the configuration says nothing about it. */
export interface ApplicationDefaults {
  /** The label of its host in front of the environment's domain: `chat` → `chat.example.com`. */
  readonly host: string;
  /** Storage class of the configuration that its volume is sized from. */
  readonly storage: StorageClassName;
  /** Why it can't run more than one replica; absent when it can. */
  readonly singleReplica?: string;
}

/** The two storage classes of the dynamic configuration: small and quick, large and growing. */
export const STORAGE_CLASSES = ["fast", "bulk"] as const;
export type StorageClassName = (typeof STORAGE_CLASSES)[number];

/** The applications of this repository that follow the dynamic configuration. A new one is a line here and a folder in flux/apps. */
export const APPLICATIONS: Readonly<Record<string, ApplicationDefaults>> = {
  mattermost: {
    host: "chat",
    storage: "fast",
    singleReplica: "Mattermost Team Edition has no cluster mode, and its volume is ReadWriteOnce",
  },
  nextcloud: {
    host: "cloud",
    storage: "bulk",
    singleReplica: "its volume is ReadWriteOnce",
  },
};
