import { expect, test } from 'vitest';
import { newMessageId, timeOf } from '../../protocol/message-id.ts';
import { imageId } from './image-ids.ts';

const NOW = 1_800_000_000_000;
const KEY = newMessageId(NOW - 5000);
const name = (idempotencyKey: string | undefined, client = 'alice', transaction = 't') => ({
  client,
  transaction,
  idempotencyKey,
});

test('under a UUIDv7 a repeat names the same image, later and on another node too, with the time of the key', () => {
  const first = imageId(name(KEY), 0, NOW);
  expect(imageId(name(KEY), 0, NOW + 60_000)).toBe(first);
  expect(timeOf(first)).toBe(NOW - 5000);
});

test('another place, client or transaction names another image under the same key', () => {
  const first = imageId(name(KEY), 0, NOW);
  expect(imageId(name(KEY), 1, NOW)).not.toBe(first);
  expect(imageId(name(KEY, 'bob'), 0, NOW)).not.toBe(first);
  expect(imageId(name(KEY, 'alice', 'u'), 0, NOW)).not.toBe(first);
});

test('without such a key every name is a new one', () => {
  for (const key of [undefined, 'order-7']) expect(imageId(name(key), 0, NOW)).not.toBe(imageId(name(key), 0, NOW));
});
