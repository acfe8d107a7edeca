/** What a service takes of a machine unless it is told otherwise. */
import { expect, test } from 'vitest';
import { shareOfMachine } from './machine.ts';

test.each([
  [2, { services: 3, processes: 0, threads: 0 }, { processes: 1, threads: 1 }],
  [2, { services: 1, processes: 0, threads: 0 }, { processes: 1, threads: 2 }],
  [16, { services: 3, processes: 0, threads: 0 }, { processes: 2, threads: 2 }],
  [16, { services: 1, processes: 0, threads: 0 }, { processes: 8, threads: 2 }],
  [16, { services: 1, processes: 0, threads: 16 }, { processes: 1, threads: 16 }],
  [16, { services: 1, processes: 4, threads: 0 }, { processes: 4, threads: 4 }],
  [1, { services: 3, processes: 2, threads: 3 }, { processes: 2, threads: 3 }],
])('of %i cores a service takes its share: %j', (cores, { services, processes, threads }, expected) => {
  const names = Array.from({ length: services }, (_, n) => `service${n}`);
  expect(shareOfMachine({ services: names, processes, threads }, cores)).toEqual(expected);
});
