/**
 * The journal beside the plain file: appending entries with one sync a batch, by the clock; reading them back from the
 * disk cache, by the processor's time, which is what a reader costs a node whose cores are busy with others.
 * `npm run bench -- journal`, or `node loadtest/journal.ts` for the figures alone.
 */
import { closeSync, fdatasyncSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import type { EntryFilter, NewEntry } from '../journal/entry.ts';
import { openJournalReader } from '../journal/reader.ts';
import { openJournalWriter } from '../journal/writer.ts';
import { runSuite } from './run-suite.ts';
import type { BenchContext, Measurement, OpenVariant, Suite, Variant } from './suite.ts';

const FRAME_BYTES = 300;
const READ_BYTES = 256 * 1024;
const READ_MESSAGES = 100_000;
/** Times that a measurement reads all of them. */
const PASSES = 5;
const APPEND_ENTRIES = 20_000;
const TYPES = 10;
const SYNCED = 'one fdatasync a batch';
const EPOCH = 'bench';

const appendCase = (name: string, batch: number, clients: number, entries: number) => ({
  name,
  unit: 'entries/s',
  better: 'higher' as const,
  variants: [
    {
      name: 'journal',
      kind: 'subject' as const,
      durability: SYNCED,
      open: async (context: BenchContext) => appendToJournal(context, batch, clients, amount(entries, batch, context)),
    },
    {
      name: 'file',
      kind: 'limit' as const,
      durability: SYNCED,
      open: async (context: BenchContext) => appendToFile(context, batch, amount(entries, batch, context)),
    },
  ],
});

const bulk: Variant = { name: 'bulk segments', kind: 'subject', open: async (context) => readJournal(context, 500, 1) };
const tiny: Variant = {
  name: 'one-message segments',
  kind: 'subject',
  open: async (context) => readJournal(context, 500, 500),
};
const flat: Variant = { name: 'file in 256 KiB reads', kind: 'limit', open: async (context) => readFile(context) };
const oneType: EntryFilter = { types: ['bench.v1.Type3'] };

export const suite: Suite = {
  name: 'journal',
  about: 'the journal beside a plain file: messages of 300 B, one core',
  cases: [
    appendCase('append, 500 a batch, 1 client', 500, 1, APPEND_ENTRIES),
    appendCase('append, 1,000 a batch, 100 clients', 1_000, 100, APPEND_ENTRIES),
    appendCase('append, one a batch', 1, 1, 500),
    {
      name: 'catch-up read',
      unit: 'messages/s of one core',
      better: 'higher',
      variants: [bulk, tiny, flat],
      goals: [{ subject: bulk.name, against: flat.name, atLeast: 0.33 }],
    },
    {
      name: 'filtered read, one type of ten',
      unit: 'messages looked at/s of one core',
      better: 'higher',
      variants: [
        { ...bulk, open: async (context) => readJournal(context, 500, 1, oneType) },
        { ...tiny, open: async (context) => readJournal(context, 500, 500, oneType) },
        flat,
      ],
    },
  ],
};

function amount(entries: number, batch: number, { scale }: BenchContext): number {
  return Math.max(1, Math.round((entries * scale) / batch)) * batch;
}

/** @param offset also makes the message id, time first as everywhere */
function entryOf(offset: number, clients: number): NewEntry {
  const hex = (1_750_000_000_000 + offset).toString(16).padStart(12, '0');
  // A multiplication that leaves no trace of order, as the random part of real ids.
  const tail = Math.imul(offset, 0x9e3779b1).toString(16).replace('-', '').padStart(12, '0');
  return {
    client: `client${offset % clients}`,
    offset,
    time: 1_750_000_000_000 + offset,
    messageId: `${hex.slice(0, 8)}-${hex.slice(8)}-8000-8000-${tail}`,
    type: `bench.v1.Type${offset % TYPES}`,
    transaction: `transaction-${offset >> 3}`,
    labels: [],
    confidence: null,
    frame: (prev) => frameOf(offset, prev),
  };
}

function frameOf(offset: number, prev: number): Buffer {
  const frame = Buffer.alloc(FRAME_BYTES, 'x');
  frame.write(`{"kind":"message","offset":${offset},"prev":${prev},"payload":"`);
  frame.write('"}\n', FRAME_BYTES - 3);
  return frame;
}

interface Start {
  readonly time: number;
  readonly cpu: NodeJS.CpuUsage;
}

function start(): Start {
  return { time: performance.now(), cpu: process.cpuUsage() };
}

/** By the clock. */
function perSecond(count: number, { time, cpu }: Start): Measurement {
  const seconds = (performance.now() - time) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  return { value: count / seconds, also: { mib_per_s: mib(count) / seconds, cpu_us_each: (user + system) / count } };
}

/** By the time that the process had a core, its own and the kernel's. */
function perCoreSecond(count: number, { time, cpu }: Start): Measurement {
  const seconds = (performance.now() - time) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  const busy = (user + system) / 1e6;
  return { value: count / busy, also: { mib_per_s: mib(count) / busy, by_the_clock: count / seconds } };
}

function mib(count: number): number {
  return (count * FRAME_BYTES) / 2 ** 20;
}

function appendToJournal({ folder }: BenchContext, batch: number, clients: number, total: number): OpenVariant {
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

function appendToFile({ folder }: BenchContext, batch: number, total: number): OpenVariant {
  const file = openSync(join(folder, 'frames'), 'a');
  const frames = Array.from({ length: total }, (_, i) => frameOf(i, i - 1));
  return {
    async measure() {
      const started = start();
      for (let i = 0; i < total; i += batch) {
        writeSync(file, Buffer.concat(frames.slice(i, i + batch)));
        fdatasyncSync(file);
      }
      return perSecond(total, started);
    },
    async close() {
      closeSync(file);
    },
  };
}

/** @param split segments per commit of `batch` entries */
function readJournal(context: BenchContext, batch: number, split: number, filter?: EntryFilter): OpenVariant {
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

function readFile(context: BenchContext): OpenVariant {
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

if (import.meta.main) {
  const result = await runSuite(suite, { scale: 1, progress: (line) => process.stderr.write(`${line}\n`) });
  for (const { name, unit, variants } of result.cases) {
    const limit = variants.find(({ kind }) => kind === 'limit')!.median;
    for (const variant of variants) {
      const value = Math.round(variant.median).toLocaleString('en');
      const mib = Math.round(variant.also.mib_per_s ?? 0);
      const share = (variant.median / limit).toFixed(2);
      process.stdout.write(`${name} | ${variant.name} | ${value} ${unit} | ${mib} MiB/s | ${share} of the limit\n`);
    }
  }
}
