/** Whether a request can be served here; if not, who can, or how long it takes. */
import { type FirehoseNode, PartitionState } from '../../protocol/generated/node/v1m0/node_pb.js';
import { Problem } from '../../protocol/http/problem.ts';
import { partitionOf } from '../../protocol/log/partitioner.ts';
import type { Journals } from '../journals/journals.ts';
import { type Copy, isReady, type NodeDirectory } from './node-directory.ts';
import type { PartitionReport } from './partition-standing.ts';
import type { Standings } from './standings.ts';

/** Another node has what the request asks for. */
export class HeldElsewhere extends Error {
  override readonly name = 'HeldElsewhere';
  readonly node: FirehoseNode;
  constructor(node: FirehoseNode) {
    super(`node ${node.id} has it`);
    this.node = node;
  }
}

export interface PlacementParts {
  readonly id: string;
  readonly journals: Journals;
  readonly standings: Standings;
  readonly directory: NodeDirectory;
  readonly random: () => number;
}

/** Retry-After where nothing better is known, and at the most, s. */
const RETRY_S = 2;
const LONGEST_RETRY_S = 30;

export class Placement {
  readonly #parts: PlacementParts;
  #leaving = false;

  constructor(parts: PlacementParts) {
    this.#parts = parts;
  }

  /** Nothing new is served here any more. */
  leave(): void {
    this.#leaving = true;
  }

  /**
   * Returns where this node has the client's journal and it is caught up.
   *
   * @param mayBeElsewhere false: the request has come from another node and goes no further
   * @throws {HeldElsewhere} another node has it
   * @throws {Problem} unavailable: nobody has it, or not caught up yet
   */
  check(client: string, mayBeElsewhere: boolean): void {
    const { id, journals, standings, directory, random } = this.#parts;
    const { total } = standings;
    if (total === undefined) throw unavailable('This node has not been told the partitions of the log yet.');
    const partition = partitionOf(client, total);
    const own = standings.of(partition);
    if (own?.state === 'ready' && !this.#leaving) return;
    const { knownEpoch } = journals;
    const others = knownEpoch === undefined ? [] : directory.copies(partition, knownEpoch);
    const copies = others.filter(({ node }) => node.id !== id);
    const ready = copies.filter(({ node, held }) => isReady(held) && node.url !== '');
    if (mayBeElsewhere && ready.length > 0) throw new HeldElsewhere(ready[Math.floor(random() * ready.length)]!.node);
    if (this.#leaving) throw unavailable('This node is going down.');
    throw own === undefined && !standings.areOpen
      ? unavailable('The journals of this node are not open yet.')
      : notReady(partition, own, copies);
  }

  /** @throws {HeldElsewhere} the stream is another node's @param stream as streamId named it */
  checkStream(stream: string, mayBeElsewhere: boolean): void {
    const owner = stream.slice(stream.lastIndexOf('@') + 1);
    if (!mayBeElsewhere || owner === this.#parts.id) return;
    const node = this.#parts.directory.get(owner);
    if (node !== undefined && node.url !== '') throw new HeldElsewhere(node);
  }
}

/** The name of a stream tells on which node it is. */
export function streamId(unique: string, node: string): string {
  return `${unique}@${node}`;
}

function notReady(partition: number, own: PartitionReport | undefined, copies: readonly Copy[]): Problem {
  if (own !== undefined) {
    const { state, lag, progress, secondsLeft } = own;
    const members = { partition, state, progress: rounded(progress), lag };
    return unavailable(`The journal of this client ${inWords(state, progress)} on this node.`, members, secondsLeft);
  }
  const [best] = copies.toSorted((a, b) => b.held.progress - a.held.progress);
  if (best === undefined) {
    return unavailable('No node that is up has the journal of this client.', { partition, state: 'not_held' });
  }
  const { progress, lag } = best.held;
  if (isReady(best.held))
    return unavailable(`Only node ${best.node.id} has the journal of this client now.`, { partition });
  const state = best.held.state === PartitionState.REBUILDING ? 'rebuilding' : 'catching_up';
  const members = { partition, state, progress: rounded(progress), lag };
  return unavailable(`The journal of this client ${inWords(state, progress)} on another node.`, members);
}

function inWords(state: PartitionReport['state'], progress: number): string {
  const part = `${Math.floor(progress * 100)} % done`;
  return state === 'rebuilding' ? `is being rebuilt (${part})` : `is catching up with the log (${part})`;
}

function rounded(progress: number): number {
  return Math.floor(progress * 1000) / 1000;
}

function unavailable(detail: string, members = {}, secondsLeft: number = RETRY_S): Problem {
  const retryAfterSeconds = Math.min(LONGEST_RETRY_S, Math.max(1, Math.ceil(secondsLeft)));
  return new Problem('unavailable', detail, { members, retryAfterSeconds });
}
