import { existsSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { PartitionStore } from './store.ts';
import { factOf, imageId, START } from './testing/arbitrary-facts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-store-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { event: made, time, granted } = factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(0) }));
// SQLite gives bytes as a Buffer.
const event = { ...made, payload: Buffer.from(made.payload) };
const transaction = {
  client: 'alice',
  transaction: 't',
  lastTime: START,
  due: START + 5,
  given: { revision: 2, digest: 'd', at: START },
  changed: true,
};

function write(epoch = 'one'): void {
  const store = PartitionStore.open(folder, 3, epoch);
  store.save({
    facts: [{ event, time, granted }],
    transactions: [transaction],
    usage: [],
    position: 42,
    streamTime: START + 1,
  });
  store.close();
}

function reopened<T>(epoch: string, look: (store: PartitionStore) => T): T {
  const store = PartitionStore.open(folder, 3, epoch);
  try {
    return look(store);
  } finally {
    store.close();
  }
}

test('what was saved is there again', () => {
  write();
  reopened('one', (store) => {
    expect(store.position()).toBe(42);
    expect(store.streamTime()).toBe(START + 1);
    expect(store.load('alice', 't')).toEqual({ ...transaction, facts: [{ event, time, granted }] });
    expect(store.load('alice', 'other')).toBeUndefined();
    expect(store.due()).toEqual([transaction]);
  });
});

test('a store of another incarnation of the log is set aside', () => {
  write('one');
  reopened('two', (store) => {
    expect(store.position()).toBeUndefined();
    expect(store.load('alice', 't')).toBeUndefined();
  });
  expect(existsSync(join(folder, 'partition-3.sqlite.unfit'))).toBe(true);
});

test.each([
  [
    'is no database',
    (file: string) => writeFileSync(file, 'this is not a database, whatever its name says'.repeat(100)),
  ],
  ['was cut short', (file: string) => truncateSync(file, 5000)],
])('a store that %s is set aside and begun again', (_what, damage) => {
  write();
  damage(join(folder, 'partition-3.sqlite'));
  reopened('one', (store) => expect(store.position()).toBeUndefined());
});

test('transactions are forgotten when they are old and nothing is due', () => {
  write();
  reopened('one', (store) => {
    expect(store.expire(START + 1, '0000-00-00')).toBe(0);
    const settled = { ...transaction, due: undefined };
    store.save({ facts: [], transactions: [settled], usage: [], position: 43, streamTime: START });
    expect(store.expire(START, '0000-00-00')).toBe(0);
    expect(store.expire(START + 1, '0000-00-00')).toBe(1);
    expect(store.load('alice', 't')).toBeUndefined();
  });
});
