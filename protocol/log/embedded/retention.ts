/**
 * Deletes what topics no longer need to hold, in slices small enough that producing never waits long for one. Runs in the
 * writer thread of whichever process comes first; freed pages are used again, the file does not shrink.
 */
import { STORED_BYTES } from './append.ts';
import type { LogState, Topic } from './log-state.ts';
import { recordsTable } from './schema.ts';

const SLICE_RECORDS = 1000;
const SLICE_BYTES = 16 << 20;
/** How long the deletion of an entity stays readable, so that whoever follows the topic learns of it (as Kafka's default). */
const TOMBSTONE_MS = 24 * 3_600_000;

/** Deletes one slice. At most one caller among all processes does so per `intervalMs`, unless there was more. */
export function retain(state: LogState, now: number, intervalMs: number): { more: boolean } {
  const claimed = state
    .sql(`UPDATE state SET value = $now WHERE name = 'retained_at' AND (value <= $now - $interval OR value > $now)`)
    .run({ now, interval: intervalMs });
  if (claimed.changes === 0) return { more: false };
  for (const topic of state.topics().values())
    for (const slot of topic.slots) {
      if (retainPartition(state, topic, slot, now)) {
        state.sql(`UPDATE state SET value = 0 WHERE name = 'retained_at'`).run();
        return { more: true };
      }
    }
  return { more: false };
}

/** @returns whether it deleted a whole slice, so that there may be more */
function retainPartition(state: LogState, { definition }: Topic, slot: number, now: number): boolean {
  const { retentionMs, retentionBytes, kind } = definition;
  if (kind === 'entity') deleteTombstones(state, slot, now - TOMBSTONE_MS);
  const edge = state.edge(slot);
  if (retentionMs === undefined && (retentionBytes === undefined || edge.bytes <= retentionBytes)) return false;

  const oldestKept = retentionMs === undefined ? Number.NEGATIVE_INFINITY : now - retentionMs;
  const rows = state
    .sql(`SELECT "offset", timestamp, ${STORED_BYTES} AS bytes FROM ${recordsTable(slot)} ORDER BY "offset" LIMIT ?`)
    .all(SLICE_RECORDS) as { offset: number; timestamp: number; bytes: number }[];
  let records = 0;
  let bytes = 0;
  for (const row of rows) {
    const tooOld = row.timestamp < oldestKept;
    const tooMany = retentionBytes !== undefined && edge.bytes - bytes > retentionBytes;
    if ((!tooOld && !tooMany) || bytes >= SLICE_BYTES) break;
    bytes += row.bytes;
    records++;
  }
  if (records === 0) return false;
  const earliest = rows[records]?.offset ?? rows[records - 1]!.offset + 1;
  state.sql(`DELETE FROM ${recordsTable(slot)} WHERE "offset" < ?`).run(earliest);
  edge.earliest = earliest;
  edge.bytes -= bytes;
  return records === SLICE_RECORDS || bytes >= SLICE_BYTES;
}

function deleteTombstones(state: LogState, slot: number, before: number): void {
  const deleted = state
    .sql(`DELETE FROM ${recordsTable(slot)} WHERE value IS NULL AND timestamp < ? RETURNING ${STORED_BYTES} AS bytes`)
    .all(before) as { bytes: number }[];
  for (const { bytes } of deleted) state.edge(slot).bytes -= bytes;
}
