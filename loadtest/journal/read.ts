/** Reading a journal, and a file of the same frames, from the disk cache. */
import { closeSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryFilter } from '../../journal/entry.ts';
import { openJournalReader } from '../../journal/reader.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { amount, EPOCH, entryOf, FRAME_BYTES, frameOf, TYPES } from './entries.ts';
import { perCoreSecond, start } from './timing.ts';

const READ_BYTES = 256 * 1024;
const READ_MESSAGES = 100_000;
/** Times that a measurement reads all of them. */
const PASSES = 5;

/** @param split segments per commit of `batch` entries */
export function readJournal(context: BenchContext, batch: number, split: number, filter?: EntryFilter): OpenVariant {
  const total = amount(READ_MESSAGES, batch, context);
  const segmentBytes = split === 1 ? undefined : (FRAME_BYTES * batch) / split;
  const options = { epoch: EPOCH, now: 0, ...(segmentBytes === undefined ? {} : { segmentBytes }) };
  const writer = openJournalWriter(context.folder, options);
  for (let i = 0; i < total; i += batch) {
    const entries = Array.from({ length: batch }, (_, j) => entryOf(i + j, 1));
    writer.appendBatch({ entries, position: i + batch, epoch: EPOCH, now: 0 });
  }
  writer.close();
  const reader = openJournalReader(context.folder);
  const request = { client: 'client0', maxBytes: READ_BYTES };
  return {
    async measure() {
      const started = start();
      let count = 0;
      let bytes = 0;
      for (let after = -1, passes = 0; passes < PASSES; ) {
        const part =
          filter === undefined ? reader.read({ ...request, after }) : reader.select({ ...request, after, filter });
        if (part.kind === 'retired') throw new Error('retired');
        count += part.count;
        for (const chunk of part.chunks) bytes += chunk.length;
        after = (part as { scanned?: number }).scanned ?? part.last;
        if (!part.end) continue;
        after = -1;
        passes++;
      }
      const expected = (filter === undefined ? total : total / TYPES) * PASSES;
      if (count !== expected || bytes !== expected * FRAME_BYTES)
        throw new Error(`read ${count} messages, ${bytes} bytes`);
      return perCoreSecond(total * PASSES, started);
    },
    async close() {
      reader.close();
    },
  };
}

export function readFile(context: BenchContext): OpenVariant {
  const total = amount(READ_MESSAGES, 1, context);
  const path = join(context.folder, 'frames');
  writeFileSync(path, Buffer.concat(Array.from({ length: total }, (_, i) => frameOf(i, i - 1))));
  const file = openSync(path, 'r');
  return {
    async measure() {
      const started = start();
      let bytes = 0;
      for (let at = 0, passes = 0; passes < PASSES; ) {
        // A fresh buffer each time, as a sender needs that may still hold the last one.
        const read = readSync(file, Buffer.allocUnsafeSlow(READ_BYTES), 0, READ_BYTES, at);
        bytes += read;
        at = read === 0 ? 0 : at + read;
        if (read === 0) passes++;
      }
      if (bytes !== total * FRAME_BYTES * PASSES) throw new Error(`read ${bytes} bytes`);
      return perCoreSecond(total * PASSES, started);
    },
    async close() {
      closeSync(file);
    },
  };
}
