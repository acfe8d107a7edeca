/** Which partitions of results-1 a node journals, from its settings. Pure: every node comes to the same answer. */

import { ConfigError } from '../../protocol/config/load.ts';

/** `all`, `none`, `assigned`, or a list such as `0-3,7`. */
export const PARTITIONS_SYNTAX = '^(all|none|assigned|\\d+(-\\d+)?(,\\d+(-\\d+)?)*)$';

export interface Assignment {
  /** Which of `count` nodes this is, from 0. */
  readonly index: number;
  readonly count: number;
  /** On how many nodes each partition lies. */
  readonly copies: number;
}

/**
 * @param wanted as PARTITIONS_SYNTAX has it
 * @param total partitions of the topic
 * @returns ascending, each once
 * @throws {ConfigError} the topic has no such partition, or the assignment has no such node
 */
export function heldPartitions(wanted: string, assignment: Assignment, total: number): number[] {
  const all = Array.from({ length: total }, (_, partition) => partition);
  switch (wanted) {
    case 'all':
      return all;
    case 'none':
      return [];
    case 'assigned':
      checkAssignment(assignment);
      return all.filter((partition) => holders(partition, assignment).includes(assignment.index));
    default:
      return listed(wanted, total);
  }
}

/**
 * The nodes that hold a partition. The first copies go round; the further ones of a node's partitions are spread over all the
 * others, so that the loss of a node is shared by all instead of doubling the work of one.
 */
export function holders(partition: number, { count, copies }: Omit<Assignment, 'index'>): number[] {
  const first = partition % count;
  const round = Math.floor(partition / count);
  const further = Array.from(
    { length: Math.min(copies, count) - 1 },
    (_, copy) => (first + 1 + ((round + copy) % (count - 1))) % count,
  );
  return [first, ...further];
}

function checkAssignment({ index, count, copies }: Assignment): void {
  if (index >= count)
    throw new ConfigError(`--firehose-node-index is below --firehose-node-count, which is ${count}, not ${index}`);
  if (copies > count)
    throw new ConfigError(`--firehose-node-copies is at most --firehose-node-count, which is ${count}, not ${copies}`);
}

function listed(text: string, total: number): number[] {
  const partitions = new Set<number>();
  for (const range of text.split(',')) {
    const [from, to = from] = range.split('-').map(Number) as [number, number?];
    if (to < from) throw new ConfigError(`--firehose-partitions has ${range}, which runs backwards`);
    if (to >= total) throw new ConfigError(`--firehose-partitions has ${range}, but results-1 has 0-${total - 1}`);
    for (let partition = from; partition <= to; partition++) partitions.add(partition);
  }
  return [...partitions].sort((a, b) => a - b);
}
