import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { isUuid, newMessageId, timeOf } from '../../protocol/message-id.ts';
import { imageId } from './image-ids.ts';

const HOUR = 3_600_000;
/** Noon, UTC. */
const NOW = Date.UTC(2026, 10, 21, 12);
const KEY = newMessageId(NOW - 5000);
const CONTENT = createHash('sha256').update('image').digest();
const OTHER_CONTENT = createHash('sha256').update('other').digest();
const name = (idempotencyKey: string | undefined, client = 'alice', transaction = 't') => ({
  client,
  transaction,
  idempotencyKey,
});

test('under a UUIDv7 a repeat names the same image, days later and on another gateway too, with the time of the key', () => {
  const first = imageId(name(KEY), 0, CONTENT, NOW);
  expect(imageId(name(KEY), 0, CONTENT, NOW + 50 * HOUR)).toBe(first);
  expect(timeOf(first)).toBe(NOW - 5000);
});

test('under any other key a repeat names the same image on every gateway, on the same day', () => {
  const first = imageId(name('order-7'), 0, CONTENT, NOW);
  expect(isUuid(first)).toBe(true);
  expect(imageId(name('order-7'), 0, CONTENT, NOW + 11 * HOUR)).toBe(first);
  expect(imageId(name('order-7'), 0, CONTENT, NOW + 12 * HOUR)).not.toBe(first);
  expect(NOW - timeOf(first)).toBe(12 * HOUR);
});

test.each([KEY, 'order-7'])('another place, client, transaction, key or content names another image (%s)', (key) => {
  const names = [
    imageId(name(key), 0, CONTENT, NOW),
    imageId(name(key), 1, CONTENT, NOW),
    imageId(name(key, 'bob'), 0, CONTENT, NOW),
    imageId(name(key, 'alice', 'u'), 0, CONTENT, NOW),
    imageId(name(`${key}8`), 0, CONTENT, NOW),
    imageId(name(key), 0, OTHER_CONTENT, NOW),
  ];
  expect(new Set(names).size).toBe(names.length);
});

test('without a key every name is a new one', () => {
  expect(imageId(name(undefined), 0, CONTENT, NOW)).not.toBe(imageId(name(undefined), 0, CONTENT, NOW));
});
