/** Appending entries to a journal, and the same bytes to a file, with one sync a batch. */
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openJournalWriter } from '../../journal/writer.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { EPOCH, entryOf, frameOf } from './entries.ts';
import { perSecond, start } from './timing.ts';

export function appendToJournal({ folder }: BenchContext, batch: number, clients: number, total: number): OpenVariant {
  const writer = openJournalWriter(folder, { epoch: EPOCH, now: 0 });
  return {
    async measure() {
      const first = writer.position;
      const entries = Array.from({ length: total }, (_, i) => entryOf(first + i, clients));
      const frames = new Map(entries.map(({ offset, frame }) => [offset, frame(-1)]));
      // Encoding is not the journal's work.
      const encoded = entries.map((entry) => ({ ...entry, frame: () => frames.get(entry.offset)! }));
      const started = start();
      let appended = 0;
      for (let i = 0; i < total; i += batch) {
        const part = encoded.slice(i, i + batch);
        const result = writer.appendBatch({ entries: part, position: first + i + batch, epoch: EPOCH, now: 0 });
        appended += result.appended;
      }
      if (appended !== total) throw new Error(`${appended} of ${total} entries appended`);
      return perSecond(total, started);
    },
    async close() {
      writer.close();
    },
  };
}

export function appendToFile({ folder }: BenchContext, batch: number, total: number): OpenVariant {
  const file = openSync(join(folder, 'frames'), 'a');
  const frames = Array.from({ length: total }, (_, i) => frameOf(i, i - 1));
  return {
    async measure() {
      const started = start();
      for (let i = 0; i < total; i += batch) {
        writeSync(file, Buffer.concat(frames.slice(i, i + batch)));
        fsyncSync(file);
      }
      return perSecond(total, started);
    },
    async close() {
      closeSync(file);
    },
  };
}
