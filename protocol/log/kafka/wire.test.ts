import { expect, test } from 'vitest';
import { WireWriter } from './wire.ts';

test('its pieces are what was written, in order, and what is large is not copied', () => {
  const [first, second, third] = [64 << 10, 100, 64 << 10].map((size, index) => Buffer.alloc(size, index + 1)) as [
    Buffer,
    Buffer,
    Buffer,
  ];
  const inner = new WireWriter().bytes(first).bytes(second).bytes(third);
  const outer = new WireWriter().int32(inner.length).all(inner).int8(7);
  const pieces = outer.pieces();
  expect(Buffer.concat(pieces).equals(outer.end())).toBe(true);
  expect(outer.length).toBe(outer.end().length);
  expect(pieces.map(({ length }) => length)).toEqual([8, first.length, 4 + 100 + 4, third.length, 1]);
  expect([pieces[1], pieces[3]].map((piece) => piece?.buffer)).toEqual([first.buffer, third.buffer]);
  expect(new WireWriter().pieces()).toEqual([]);
});
