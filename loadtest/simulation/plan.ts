/**
 * What the model says that a workload asks for.
 *
 * A *need* grows with the load and is met by more of the same. A *bound* is what more machines do not lift: one thread, one
 * partition, one client. The bound with the least headroom is where the design breaks first.
 */

export interface Need {
  readonly role: string;
  readonly resource: string;
  readonly amount: number;
  readonly unit: string;
  readonly because: string;
  /** Rests on a figure that nobody measured. */
  readonly isAssumed: boolean;
}

export interface Bound {
  readonly what: string;
  readonly limit: number;
  readonly required: number;
  readonly unit: string;
  /** limit ÷ required: below 1 it is broken; by so much the workload can grow before it is. */
  readonly headroom: number;
  readonly because: string;
}

export interface Plan {
  readonly needs: readonly Need[];
  /** Least headroom first. */
  readonly bounds: readonly Bound[];
  readonly firehoseNodes: number;
  readonly resultsPartitions: number;
  /** What decides how many firehose nodes there are. */
  readonly firehoseDecidedBy: string;
  readonly rebalances: readonly Rebalance[];
}

/** What happens to a group of consumers when its members come and go. */
export interface Rebalance {
  readonly group: string;
  readonly members: number;
  readonly event: string;
  /** Partitions that nobody consumes meanwhile: members go on with what stays theirs. */
  readonly partitions: number;
  /** For how long, at most, besides the work that is finished first. */
  readonly seconds: number;
  readonly because: string;
}
