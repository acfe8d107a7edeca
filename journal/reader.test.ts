import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { JournalMissingError } from './errors.ts';
import { openJournalReader } from './reader.ts';
import type { Range, Retired } from './reading.ts';
import { newEntry } from './testing/new-entry.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { type JournalWriter, openJournalWriter } from './writer.ts';

const OPTIONS = { epoch: 'one', now: 0, volumeSpanMs: 10, retentionMs: 100 };

/** One entry of `bytes` bytes per offset, all of one commit. */
function append(writer: JournalWriter, offsets: readonly number[], now = 0, bytes = 10, client = 'ada'): void {
  const frame = Buffer.alloc(bytes, 'x');
  const entries = offsets.map((offset) => newEntry(client, offset, { frame: () => frame }));
  writer.appendBatch({ entries, position: offsets.at(-1)! + 1, epoch: 'one', now });
}

function range(result: Range | Retired): Range {
  if (result.kind === 'retired') throw new Error('retired');
  return result;
}

test('there is nothing to read where nothing was written', () => {
  using folder = temporaryFolder();
  expect(() => openJournalReader(folder.path)).toThrow(JournalMissingError);
});

test('a reader that was open before follows appends, rolls and retirements', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const reader = openJournalReader(folder.path);
  expect(reader.read({ client: 'ada', after: -1 })).toMatchObject({ count: 0, end: true });
  append(writer, [0, 1]);
  append(writer, [2, 3], 10);
  append(writer, [4], 20);
  expect(reader.bounds()).toEqual({ epoch: 'one', earliest: 0, position: 5 });
  expect(reader.read({ client: 'ada', after: -1 })).toMatchObject({ count: 2, last: 1, end: false });
  expect(reader.read({ client: 'ada', after: 1 })).toMatchObject({ count: 2, last: 3, end: false });
  expect(reader.read({ client: 'ada', after: 3 })).toMatchObject({ count: 1, last: 4, end: true });

  expect(writer.maintain({ now: 112 })).toEqual({ rolled: true, retired: [0, 2] });
  expect(reader.bounds()).toEqual({ epoch: 'one', earliest: 4, position: 5 });
  expect(reader.read({ client: 'ada', after: 1 })).toEqual({ kind: 'retired', earliest: 4 });
  expect(reader.read({ client: 'ada', after: 3 })).toMatchObject({ count: 1, last: 4, end: true });
  expect(reader.earliest('ada')).toBe(4);
  expect(reader.count('ada', -1)).toBe(1);
  reader.close();
  writer.close();
});

test('a position is lost only if entries of that client are', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  append(writer, [0], 0, 10, 'ada');
  append(writer, [5], 10, 10, 'bob');
  expect(writer.maintain({ now: 105 }).retired).toEqual([0]);
  const reader = openJournalReader(folder.path);
  expect(reader.read({ client: 'bob', after: -1 })).toMatchObject({ kind: 'range', count: 1 });
  expect(reader.read({ client: 'ada', after: 0 })).toMatchObject({ kind: 'range', count: 0, end: true });
  expect(reader.read({ client: 'ada', after: -1 })).toEqual({ kind: 'retired', earliest: 1 });
  expect(reader.read({ client: 'nobody', after: -1 })).toMatchObject({ kind: 'range', count: 0, end: true });
  expect(reader.earliest('ada')).toBeNull();
  expect(reader.head('ada')).toBe(0);
  expect(reader.hashAt('ada', -1)).toBeNull();
  reader.close();
  writer.close();
});

test.each([
  { name: 'one segment', commits: [100] },
  { name: 'segments of ten', commits: Array(10).fill(10) },
  { name: 'segments of one', commits: Array(100).fill(1) },
  { name: 'segments of all sizes', commits: [1, 1, 60, 1, 1, 1, 30, 5] },
])('a read is as full as its limit allows: $name', ({ commits }) => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  let next = 0;
  for (const size of commits as number[]) {
    const offsets = Array.from({ length: size }, (_, i) => (next + i) * 7);
    append(writer, offsets, 0, 1_000);
    next += size;
  }
  const reader = openJournalReader(folder.path);
  for (const maxBytes of [1, 999, 1_000, 1_500, 12_345, 50_000, 100_000, 10_000_000]) {
    let count = 0;
    let calls = 0;
    let after = -1;
    for (let end = false; !end; calls++) {
      const read = range(reader.read({ client: 'ada', after, maxBytes }));
      expect(read.bytes).toBe(read.count * 1_000);
      expect(read.bytes).toBeLessThanOrEqual(Math.max(maxBytes, 1_000));
      count += read.count;
      after = read.last;
      end = read.end;
    }
    expect(count).toBe(100);
    // Never many more calls than full ones would be: no crawling at segment ends.
    const fewest = Math.ceil(100 / Math.max(1, Math.floor(maxBytes / 1_000)));
    expect(calls).toBeLessThanOrEqual(2 * fewest + commits.length);
    expect(range(reader.read({ client: 'ada', after: 0, until: 50 * 7 + 3, maxBytes })).last).toBeLessThanOrEqual(350);
  }
  reader.close();
  writer.close();
});

test('a client that keeps every frame can compute the rolling hash himself', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const entries = [3, 4, 8].map((offset) => newEntry('ada', offset));
  writer.appendBatch({ entries, position: 9, epoch: 'one', now: 0 });
  const reader = openJournalReader(folder.path);
  let hash = Buffer.from(reader.hashAt('ada', 2)!, 'hex');
  expect(hash).toEqual(Buffer.alloc(8));
  for (const line of Buffer.concat(range(reader.read({ client: 'ada', after: -1 })).chunks)
    .toString()
    .split(/(?<=\n)/)) {
    hash = createHash('sha256').update(hash).update(line).digest().subarray(0, 8);
    expect(reader.hashAt('ada', JSON.parse(line).offset)).toBe(hash.toString('hex'));
  }
  expect(reader.hashAt('ada', 1_000)).toBe(hash.toString('hex'));
  reader.close();
  writer.close();
});

test('a filter for what is rare leaps over everything else in one call', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const entries = Array.from({ length: 3_000 }, (_, offset) =>
    newEntry(offset % 2 === 0 ? 'ada' : 'bob', offset, offset === 2_500 ? { type: 'rare', labels: ['rare'] } : {}),
  );
  for (let i = 0; i < 3_000; i += 100) {
    writer.appendBatch({ entries: entries.slice(i, i + 100), position: i + 100, epoch: 'one', now: 0 });
  }
  const reader = openJournalReader(folder.path);
  const rare = [{ types: ['rare'] }, { transactions: ['t2500'] }, { labels: ['rare'] }];
  for (const filter of [...rare, Object.assign({}, ...rare)]) {
    const found = reader.select({ client: 'ada', after: -1, filter, maxScan: 100 });
    expect(found).toMatchObject({ count: 1, last: 2_500, skipped: expect.any(Number) });
    const after = found.kind === 'range' ? found.scanned : 0;
    expect(reader.select({ client: 'ada', after, filter, maxScan: 100 })).toMatchObject({ count: 0, end: true });
  }
  expect(reader.select({ client: 'ada', after: -1, filter: { types: ['never'] }, maxScan: 1 })).toMatchObject({
    count: 0,
    scanned: 2_998,
    skipped: 1_500,
    end: true,
  });
  reader.close();
  writer.close();
});

test('frames with any bytes come back as they went in', () => {
  using folder = temporaryFolder();
  const writer = openJournalWriter(folder.path, OPTIONS);
  const frames = [Buffer.from([0, 255, 0, 128]), Buffer.alloc(0), Buffer.from('a\0b'), Buffer.alloc(600_000, 7)];
  for (const [offset, frame] of frames.entries()) {
    const entries = [newEntry('ada', offset, { frame: () => frame })];
    writer.appendBatch({ entries, position: offset + 1, epoch: 'one', now: 0 });
  }
  const reader = openJournalReader(folder.path);
  const read = range(reader.read({ client: 'ada', after: -1, maxBytes: 1e9 }));
  expect(Buffer.concat(read.chunks).equals(Buffer.concat(frames))).toBe(true);
  const found = reader.entries({ client: 'ada', after: -1, maxBytes: 1e9 });
  if (found.kind === 'retired') throw new Error('retired');
  expect(found.entries.map(({ frame, offset }) => frame.equals(frames[offset]!))).toEqual([true, true, true, true]);
  reader.close();
  writer.close();
});
