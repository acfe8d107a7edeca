/** What a simulated cluster is made of, what it costs, and what is asked of it. */

export interface ClusterCosts {
  /** Records a second of a node's journaling thread. */
  readonly journalRate: number;
  /** Seconds of a node's reading thread for a message to a connection that is at the tail. */
  readonly deliverySeconds: number;
  /** The same for a message of a backlog: many go in one write. */
  readonly catchUpSeconds: number;
  /** The same for opening a stream. */
  readonly openSeconds: number;
  /** Of a node. */
  readonly bytesPerSecond: number;
  readonly messageBytes: number;
}

export interface ClusterShape {
  readonly nodes: number;
  readonly partitions: number;
  readonly copies: number;
  readonly streamsPerNode: number;
  /** Bound of a client's first pause after a failure, and of the longest, seconds; between them it doubles. */
  readonly firstBackoff: number;
  readonly longestBackoff: number;
}

export interface ClusterLoad {
  readonly connections: number;
  readonly clients: number;
  readonly messagesPerSecond: number;
}
