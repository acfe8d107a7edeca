import { expect, test } from 'vitest';
import { newMessageId, timeOf } from '../../protocol/message-id.ts';
import { imageId } from './image-ids.ts';

const NOW = 1_800_000_000_000;
const name = (idempotencyKey: string | undefined, client = 'alice', transaction = 't') => ({
  client,
  transaction,
  idempotencyKey,
});

test.each(['order-7', newMessageId(NOW - 5000)])('under the key %s a repeat names the same image, later too', (key) => {
  const first = imageId(name(key), 0, NOW);
  expect(imageId(name(key), 0, NOW + 60_000)).toBe(first);
  expect(imageId(name(key), 1, NOW)).not.toBe(first);
  expect(imageId(name(key, 'bob'), 0, NOW)).not.toBe(first);
  expect(imageId(name(key, 'alice', 'u'), 0, NOW)).not.toBe(first);
});

test('a UUIDv7 as key gives the image its time', () => {
  expect(timeOf(imageId(name(newMessageId(NOW - 5000)), 0, NOW))).toBe(NOW - 5000);
});

test('without a key every submission is a new one', () => {
  expect(imageId(name(undefined), 0, NOW)).not.toBe(imageId(name(undefined), 0, NOW));
});
