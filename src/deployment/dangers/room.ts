/** What the pods of an environment need of its workload nodes. */
export interface Room {
  /** Nodes that all pods fit on; undefined when a pod is larger than every node. */
  readonly needed: number | undefined;
  /** Nodes of the workload pool: its maximum where it scales by itself. */
  readonly nodes: number;
  readonly nodeSize: string;
  /** The sum of the requests, in words: `4500m CPU and 8192Mi memory`. */
  readonly requests: string;
  /** Pods that are larger than every node, in words. */
  readonly tooLarge: readonly string[];
}

/** The room of an environment as it is deployed (where that can be told) and as the configuration wants it. */
export interface CapacityAnswer {
  readonly deployed?: Room;
  readonly wanted: Room;
}
