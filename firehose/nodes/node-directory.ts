/**
 * Who holds which partition, folded from the records of nodes-1. Pure: time comes in as an argument.
 *
 * A node that has not been heard of for as long as it said itself is taken for dead. While nothing at all is heard, the log is what
 * does not answer: then nobody is taken for dead, and everybody has the whole time again once the log is back.
 */
import { FirehoseNode, type HeldPartition, PartitionState } from '../../protocol/generated/node/v1m0/node_pb.js';

/** How far clocks may differ: only so old a record, of those that lay on the topic before, is a dead node's for certain. */
const CLOCK_SKEW_MS = 60_000;

interface KnownNode {
  readonly node: FirehoseNode;
  heard: number;
}

/** A partition on a node. */
export interface Copy {
  readonly node: FirehoseNode;
  readonly held: HeldPartition;
}

export class NodeDirectory {
  readonly #known = new Map<string, KnownNode>();
  #lastHeard = Number.NEGATIVE_INFINITY;

  /**
   * @param value null: the node has gone down
   * @param written when the log took the record, ms
   * @throws what is thrown by a value that is no FirehoseNode
   */
  apply(key: string, value: Uint8Array | null, written: number, now: number): void {
    const node = value === null ? undefined : FirehoseNode.fromBinary(value);
    const silence = now - this.#lastHeard;
    for (const known of this.#known.values())
      if (silence > known.node.expiresAfterMs) known.heard = Math.max(known.heard, now - 1);
    this.#lastHeard = now;
    if (node === undefined || now - written > node.expiresAfterMs + CLOCK_SKEW_MS) this.#known.delete(key);
    else this.#known.set(key, { node, heard: now });
  }

  /** It did not answer: nobody is sent to it until it has been heard of again. */
  forget(id: string): void {
    this.#known.delete(id);
  }

  get(id: string): FirehoseNode | undefined {
    const known = this.#known.get(id);
    return known !== undefined && this.#isAlive(known) ? known.node : undefined;
  }

  /** Those alive, by id. */
  all(): FirehoseNode[] {
    return [...this.#known.values()]
      .filter((known) => this.#isAlive(known))
      .map(({ node }) => node)
      .sort((a, b) => (a.id < b.id ? -1 : 1));
  }

  /** The copies of a partition on nodes that are alive. @param epoch of results-1; copies of another are none */
  copies(partition: number, epoch: string): Copy[] {
    return this.all()
      .filter((node) => node.epoch === epoch)
      .flatMap((node) =>
        node.partitions.filter((held) => held.partition === partition).map((held) => ({ node, held })),
      );
  }

  #isAlive({ node, heard }: KnownNode): boolean {
    return this.#lastHeard - heard <= node.expiresAfterMs;
  }
}

export function isReady({ state }: HeldPartition): boolean {
  return state === PartitionState.READY;
}
