import { expect, test } from 'vitest';
import { Progress } from './progress.ts';

test('a peer is stuck from when it has taken nothing of what waits', () => {
  const progress = new Progress(0);
  progress.tick(100, { taken: 0, backlog: 0 });
  for (let now = 200; now <= 1_000; now += 100) progress.tick(now, { taken: 10, backlog: 50 });
  expect(progress.stuckMs(1_000)).toBe(800);
  progress.tick(1_100, { taken: 11, backlog: 49 });
  expect(progress.stuckMs(1_100)).toBe(0);
});

test('what a peer did while nobody looked is not held against it', () => {
  const progress = new Progress(0);
  progress.tick(100, { taken: 10, backlog: 0 });
  // A stream with nothing to say is not looked at; then a write finds the peer's window closed.
  progress.tick(90_000, { taken: 10, backlog: 50 });
  expect(progress.stuckMs(90_000)).toBe(0);
  progress.tick(90_100, { taken: 10, backlog: 50 });
  expect(progress.stuckMs(90_100)).toBe(100);
});

test('the speed is that of the last second, and comes to rest', () => {
  const progress = new Progress(0);
  expect(progress.resting).toBe(true);
  progress.sent(500, 5_000);
  expect(progress.resting).toBe(false);
  progress.tick(1_000, { taken: 5_000, backlog: 0 });
  expect(progress).toMatchObject({ speed: 500, resting: false });
  progress.tick(2_000, { taken: 5_000, backlog: 0 });
  expect(progress).toMatchObject({ speed: 0, resting: true });
});
