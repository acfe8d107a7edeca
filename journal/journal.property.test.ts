/** Random histories of a journal, held against the naive one: whatever is asked, both must say the same. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { NewEntry } from './entry.ts';
import { openJournalReader } from './reader.ts';
import { NaiveJournal } from './testing/naive-journal.ts';
import { newEntry } from './testing/new-entry.ts';
import { ask, CLIENTS, EPOCH, LABELS, question, TRANSACTIONS, TYPES } from './testing/questions.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { openJournalWriter } from './writer.ts';

const draft = fc.record({
  client: fc.nat(CLIENTS.length - 1),
  gap: fc.oneof({ weight: 6, arbitrary: fc.constant(0) }, fc.nat(9)),
  time: fc.nat(60),
  type: fc.constantFrom(...TYPES),
  transaction: fc.constantFrom(...TRANSACTIONS),
  labels: fc.uniqueArray(fc.constantFrom(...LABELS)),
  confidence: fc.option(fc.constantFrom(0, 0.25, 0.5, 1)),
  size: fc.oneof({ weight: 9, arbitrary: fc.nat(40) }, fc.constant(700)),
  // Of a message long ago: a duplicate wherever that is still held. Some ids are no UUIDs at all.
  repeat: fc.option(fc.nat(40), { freq: 6 }),
  id: fc.constantFrom('uuid', 'uuid', 'text'),
});

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      drafts: fc.array(draft, { maxLength: 12, size: 'max' }),
      gap: fc.nat(3),
      replay: fc.nat(5),
      // A volume has room for 2^40 offsets: a jump beyond must roll it.
      jump: fc.option(fc.constant(2 ** 41), { freq: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(400, 2_000) }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'reopen' as const }) },
);

test('a journal answers as the naive one does, whatever its history', () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 1, maxLength: 16, size: 'max' }),
      fc.array(question, { minLength: 3, maxLength: 8, size: 'max' }),
      fc.record({
        segmentBytes: fc.constantFrom(1, 60, 262_144),
        volumeBytes: fc.constantFrom(1, 2 ** 30, 2 ** 30, 2 ** 30),
      }),
      (steps, questions, sizes) => {
        using folder = temporaryFolder();
        const naive = new NaiveJournal();
        const options = { epoch: EPOCH, now: 0, volumeSpanMs: 1_000, retentionMs: 3_000, ...sizes };
        let writer = openJournalWriter(folder.path, options);
        let reader = openJournalReader(folder.path);
        let now = 0;
        let history: NewEntry[] = [];
        try {
          for (const step of steps) {
            if (step.kind === 'append') {
              const entries = [...history.slice(history.length - step.replay)];
              let offset = naive.position + (step.jump ?? 0);
              for (const { gap, repeat, size, client, id, ...fields } of step.drafts) {
                offset += gap;
                const entry = newEntry(CLIENTS[client]!, offset, {
                  ...fields,
                  ...(id === 'text' ? { messageId: `not a uuid ${offset}` } : {}),
                  ...(repeat === null ? {} : { messageId: history[repeat]?.messageId ?? 'first' }),
                  frame: (prev) => Buffer.from(`${offsetText(offset)} ${prev} ${'x'.repeat(size)}\0\n`),
                });
                entries.push(entry);
                offset++;
              }
              const position = offset + step.gap;
              const result = writer.appendBatch({ entries, position, epoch: EPOCH, now });
              const fresh = entries.filter((entry) => entry.offset >= naive.position);
              if (result.rolled) naive.bases.push(fresh[0]?.offset ?? naive.position);
              expect(result).toMatchObject({ ...naive.append(entries, position), position });
              history = [...history, ...fresh];
            } else if (step.kind === 'wait') {
              now += step.ms;
              const { rolled, retired } = writer.maintain({ now });
              if (rolled) naive.bases.push(naive.position);
              expect(retired).toEqual(naive.bases.slice(0, retired.length));
              naive.bases.splice(0, retired.length);
              expect(naive.bases.length).toBeGreaterThan(0);
            } else {
              writer.close();
              reader.close();
              writer = openJournalWriter(folder.path, options);
              reader = openJournalReader(folder.path);
              expect(writer.position).toBe(naive.position);
            }
            ask(questions[0]!, reader, naive);
          }
          for (const each of questions) ask(each, reader, naive);
          expect(verifyJournal(folder.path).findings).toEqual([]);
        } finally {
          writer.close();
          reader.close();
        }
      },
    ),
    // Most of a run is waiting for the disk: on a slow one fewer runs have to do.
    { numRuns: 50, interruptAfterTimeLimit: 15_000 },
  );
});

function offsetText(offset: number): string {
  return `offset ${offset}`;
}
