import fc from 'fast-check';
import { expect, test } from 'vitest';
import { inReadingOrder } from './reading-order.ts';

const at = (name: string, x: number, y: number, height = 20) => ({ name, centre: { x, y }, height });

test('reads lines from the top and each line from the left, though its words are not quite level', () => {
  const items = [at('d', 300, 62), at('b', 200, 14), at('c', 40, 58), at('a', 50, 18)];
  expect(inReadingOrder(items, (item) => item).map((item) => item.name)).toEqual(['a', 'b', 'c', 'd']);
});

test('keeps every item, and the order does not depend on the order of the input', () => {
  const item = fc.record({ x: fc.nat(500), y: fc.nat(500), height: fc.integer({ min: 1, max: 60 }) });
  fc.assert(
    fc.property(fc.uniqueArray(item, { selector: ({ x, y }) => `${x},${y}`, maxLength: 25 }), (items) => {
      const place = ({ x, y, height }: { x: number; y: number; height: number }) => ({ centre: { x, y }, height });
      const ordered = inReadingOrder(items, place);
      expect(new Set(ordered)).toEqual(new Set(items));
      expect(ordered).toHaveLength(items.length);
      expect(inReadingOrder(items.toReversed(), place)).toEqual(ordered);
    }),
  );
});
