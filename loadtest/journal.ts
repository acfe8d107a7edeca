/**
 * The journal beside the plain file: appending entries with one sync a batch, by the clock; reading them back from the
 * disk cache, by the processor's time, which is what a reader costs a node whose cores are busy with others.
 */
import type { EntryFilter } from '../journal/entry.ts';
import { appendToFile, appendToJournal } from './journal/append.ts';
import { amount } from './journal/entries.ts';
import { readFile, readJournal } from './journal/read.ts';
import type { BenchContext, Suite, Variant } from './suite.ts';

const APPEND_ENTRIES = 20_000;
const SYNCED = 'one fsync a batch';

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
