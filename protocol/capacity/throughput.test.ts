import { expect, test } from 'vitest';
import { Throughput } from './throughput.ts';

test('a busy service is measured, an idle one is not', () => {
  const throughput = new Throughput();
  throughput.measure(0, 100, 0);
  expect(throughput.perSecond).toBe(0);
  throughput.measure(20, 80, 1000);
  expect(throughput.perSecond).toBe(20);
  // The work ran out in between: 5 in a second says nothing.
  throughput.measure(25, 0, 2000);
  throughput.measure(25, 0, 60_000);
  throughput.measure(26, 9, 61_000);
  expect(throughput.perSecond).toBe(20);
});

test('the estimate follows a change within seconds, and one odd second does not turn it over', () => {
  const throughput = new Throughput();
  let done = 0;
  const second = (rate: number, time: number) => {
    done += rate;
    throughput.measure(done, 50, time * 1000);
  };
  for (let time = 0; time < 10; time++) second(100, time);
  second(0, 10);
  expect(throughput.perSecond).toBeGreaterThan(70);
  for (let time = 11; time < 25; time++) second(10, time);
  expect(throughput.perSecond).toBeLessThan(13);
});

test('a quiet time does not make a service look slow', () => {
  const throughput = new Throughput();
  throughput.measure(0, 5000, 0);
  throughput.measure(1000, 4000, 1000);
  expect(throughput.perSecond).toBe(1000);
  // Always something in work, hardly anything to do.
  for (let second = 2; second < 30; second++) throughput.measure(1000 + second * 10, 3, second * 1000);
  expect(throughput.perSecond).toBe(1000);
});

test('a service that finishes nothing although something waits is stalled for as long', () => {
  const throughput = new Throughput();
  throughput.measure(5, 0, 0);
  expect(throughput.stalledSeconds(9000)).toBe(0);
  throughput.measure(5, 3, 10_000);
  throughput.measure(5, 9, 20_000);
  expect(throughput.stalledSeconds(30_000)).toBe(20);
  throughput.measure(6, 9, 30_000);
  expect(throughput.stalledSeconds(31_000)).toBe(1);
});
