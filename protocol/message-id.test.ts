import fc from 'fast-check';
import { expect, test } from 'vitest';
import { derivedMessageId, isUuid, newMessageId, timeOf } from './message-id.ts';

const time = fc.integer({ min: 0, max: 2 ** 48 - 1 });

test('an id is a UUID that carries its time', () => {
  fc.assert(
    fc.property(time, (ms) => {
      const id = newMessageId(ms);
      expect(isUuid(id)).toBe(true);
      expect(id[14]).toBe('7');
      expect(timeOf(id)).toBe(ms);
    }),
  );
});

test('a derived id repeats for the same work, differs for other work and keeps the time of its cause', () => {
  fc.assert(
    fc.property(time, fc.string(), fc.string(), (ms, a, b) => {
      const cause = newMessageId(ms);
      const id = derivedMessageId(cause, a, 1);
      expect(isUuid(id)).toBe(true);
      expect(id).toBe(derivedMessageId(cause, a, 1));
      expect(id).not.toBe(derivedMessageId(cause, a, 2));
      if (a !== b) expect(id).not.toBe(derivedMessageId(cause, b, 1));
      expect(timeOf(id)).toBe(ms);
    }),
  );
});

test('parts cannot be confused by where one ends and the next begins', () => {
  const cause = newMessageId(1);
  expect(derivedMessageId(cause, 'ab', 'c')).not.toBe(derivedMessageId(cause, 'a', 'bc'));
});
