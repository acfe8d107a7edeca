/** Appends records: partition by key, offset by position, time by the log. Runs in the writer thread. */
import { partitionOf } from '../partitioner.ts';
import type { LogState } from './log-state.ts';
import { type ProduceRequest, type ProduceResult, Refusal } from './operations.ts';
import { recordsTable } from './schema.ts';

export function append(state: LogState, request: ProduceRequest): ProduceResult {
  const { definition, slots } = state.topic(request.topic);
  for (const bytes of request.lengths)
    if (bytes > definition.maxMessageBytes)
      throw new Refusal({ kind: 'record-too-large', topic: request.topic, bytes, limit: definition.maxMessageBytes });

  const partitions: number[] = [];
  const offsets: number[] = [];
  let from = 0;
  for (const [index, key] of request.keys.entries()) {
    const length = request.lengths[index]!;
    const headers = request.headers[index]!;
    const value = length < 0 ? null : request.bytes.subarray(from, from + length);
    from += Math.max(length, 0);

    const partition = partitionOf(key, slots.length);
    const edge = state.edge(slots[partition]!);
    const table = recordsTable(edge.slot);
    const offset = edge.end++;
    // Never falls within a partition, whatever the clock does: time is looked up by bisection.
    edge.lastTimestamp = Math.max(edge.lastTimestamp, request.now);
    edge.bytes += recordBytes(key, headers, length);
    if (definition.kind === 'entity') {
      const replaced = state.sql(`DELETE FROM ${table} WHERE key = ? RETURNING ${STORED_BYTES} AS bytes`).all(key) as {
        bytes: number;
      }[];
      for (const { bytes } of replaced) edge.bytes -= bytes;
    }
    state.sql(`INSERT INTO ${table} VALUES (?, ?, ?, ?, ?)`).run(offset, edge.lastTimestamp, key, headers, value);
    partitions.push(partition);
    offsets.push(offset);
  }
  return { partitions, offsets };
}

/** What a stored record counts towards its partition's size; SQLite knows it without reading the value. */
export const STORED_BYTES = `octet_length(key) + ifnull(octet_length(headers), 0) + ifnull(octet_length(value), 0)`;

function recordBytes(key: string, headers: string | null, valueLength: number): number {
  return Buffer.byteLength(key) + (headers === null ? 0 : Buffer.byteLength(headers)) + Math.max(valueLength, 0);
}
