import { expect, test } from 'vitest';
import { Deliveries, marked } from './deliveries.ts';

const message = (n: number) => `{"kind":"message","payload":{${marked(n, performance.timeOrigin)}"fill":"xx"}}\n`;

test('messages are counted whole wherever the network cuts them', () => {
  const all = Buffer.from([0, 1, 2].map(message).join(''));
  for (let first = 1; first < all.length; first++) {
    const deliveries = new Deliveries();
    const read = deliveries.reader();
    read(all.subarray(0, first));
    read(all.subarray(first, first + 3));
    read(all.subarray(first + 3));
    deliveries.check(3);
    expect(deliveries).toMatchObject({ count: 3, unordered: 0 });
  }
});

test.each([
  ['lost', [0, 2]],
  ['repeated', [0, 1, 1, 2]],
  ['repeated in place of another', [0, 1, 1]],
])('a message that is %s is found', (_what, numbers) => {
  const deliveries = new Deliveries();
  const read = deliveries.reader();
  deliveries.reader();
  for (const n of numbers) read(Buffer.from(message(n)));
  expect(() => deliveries.check(3)).toThrow(/where 3 were published/);
});

test('a message after a later one is out of order', () => {
  const deliveries = new Deliveries();
  const read = deliveries.reader();
  for (const n of [0, 2, 1]) read(Buffer.from(message(n)));
  deliveries.check(3);
  expect(deliveries.unordered).toBe(1);
});
