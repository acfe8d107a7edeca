import fc from 'fast-check';
import { expect, test } from 'vitest';
import { SharedRoom } from './shared-room.ts';

/** Endpoints that take as much as they are let. @returns what each has under way */
function fill(room: SharedRoom, endpoints: number): number[] {
  const inFlight = Array<number>(endpoints).fill(0);
  for (let took = true; took; ) {
    took = false;
    for (const [i, count] of inFlight.entries()) {
      if (!room.admits(count)) continue;
      room.enter(count);
      inFlight[i] = count + 1;
      took = true;
    }
  }
  return inFlight;
}

test('one alone gets half of the room, many get even shares', () => {
  expect(fill(new SharedRoom(64), 1)).toEqual([33]);
  expect(fill(new SharedRoom(64), 3)).toEqual([17, 17, 17]);
  expect(fill(new SharedRoom(64), 100).reduce((a, b) => a + b)).toBeLessThanOrEqual(164);
});

test('however many hang, one that comes later has its request, and more', () => {
  const room = new SharedRoom(64);
  fill(room, 5);
  expect(fill(room, 1)[0]).toBeGreaterThan(1);
});

test('what ends makes room again, whatever the order', () => {
  fc.assert(
    fc.property(fc.array(fc.nat({ max: 5 })), (which) => {
      const room = new SharedRoom(16);
      const inFlight = fill(room, 6);
      for (const i of which) {
        if (inFlight[i]! > 0) room.leave(--inFlight[i]!);
      }
      for (const count of inFlight) for (let n = count - 1; n >= 0; n--) room.leave(n);
      expect(fill(room, 1)).toEqual([9]);
    }),
  );
});

test('the room grows while it is used and there is time to spare, up to the most, and not where nobody wants it', () => {
  const room = new SharedRoom(200);
  for (let i = 0; i < 50; i++) room.adapt(0.1);
  expect(room.size).toBe(64);
  for (let i = 0; i < 50; i++) {
    fill(room, 100);
    room.adapt(0.1);
  }
  expect(room.size).toBe(200);
});

test('it shrinks while there is no time, until few are under way or each has but its first', () => {
  const crowd = new SharedRoom(1024);
  fill(crowd, 100);
  for (let i = 0; i < 50; i++) crowd.adapt(1);
  expect(crowd.size).toBeLessThanOrEqual(2);
  // What is under way is none of its own any more: only when it has ended it counts.
  expect(crowd.taken).toBeGreaterThan(2);

  const alone = new SharedRoom(1024);
  expect(fill(alone, 1)).toEqual([33]);
  for (let i = 0; i < 50; i++) alone.adapt(1);
  expect(alone.size).toBe(64);
});
