/** Deadlines go by stream time: by the events of the partition, and by the clock on the wall only where nothing happens. */
import { expect, test } from 'vitest';
import { digestOf } from './fact.ts';
import { accepted, completed, elsewhere, inWorld, line, statuses } from './testing/simulated-world.ts';

test('the event that shows that the deadline has passed does not count before it', () =>
  inWorld((world) => {
    world.append(accepted(0, 0), line(0, 100), completed(0, 3000, 1));
    world.workOff();
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
    expect(world.summaries()[0]!.text).toHaveLength(1);
    world.tick(10_000);
    expect(statuses(world)).toEqual([
      [1, 'PARTIAL'],
      [2, 'COMPLETE'],
    ]);
  }));

test("another transaction's events move the same clock", () =>
  inWorld((world) => {
    world.append(accepted(0, 0), elsewhere(2999));
    world.workOff();
    expect(statuses(world)).toEqual([]);
    world.append(elsewhere(3000));
    world.workOff();
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
  }));

test('where nothing happens the clock on the wall moves it', () =>
  inWorld((world) => {
    world.append(accepted(0, 0));
    world.workOff();
    world.tick(2999);
    expect(statuses(world)).toEqual([]);
    world.tick(3000);
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
  }));

test('a deadline that passed while the service was down is kept when it comes back', () =>
  inWorld((world) => {
    world.append(accepted(0, 0));
    world.workOff();
    world.crash();
    world.tick(60_000);
    world.tick(60_000);
    expect(statuses(world)).toEqual([[1, 'PARTIAL']]);
  }));

test('a paused producer makes results late live, and on time in a replay of the same events', () => {
  const events = [accepted(0, 0), line(0, 2000), completed(0, 2001, 1)];
  inWorld((live) => {
    live.append(events[0]!);
    live.workOff();
    // The producer has stamped its results and is then held up: the wall's clock goes on.
    live.tick(5000);
    live.append(events[1]!, events[2]!);
    live.workOff();
    live.tick(10_000);
    expect(statuses(live)).toEqual([
      [1, 'PARTIAL'],
      [2, 'COMPLETE'],
    ]);
    inWorld((replay) => {
      replay.append(...events);
      replay.workOff();
      replay.tick(10_000);
      expect(statuses(replay)).toEqual([[1, 'COMPLETE']]);
      expect(digestOf(replay.summaries().at(-1)!)).toBe(digestOf(live.summaries().at(-1)!));
    });
  });
});

test('reading the log again, summaries included, adds nothing to it', () =>
  inWorld((world) => {
    world.append(accepted(0, 0));
    world.workOff();
    world.tick(5000);
    world.append(line(0, 2000), completed(0, 2001, 1));
    world.workOff();
    world.tick(10_000);
    world.workOff();
    const before = [...world.log];
    world.loseStore();
    world.workOff();
    world.tick(20_000);
    expect(world.log).toEqual(before);
  }));
