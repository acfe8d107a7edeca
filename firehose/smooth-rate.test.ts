/**
 * A pace as a reader sees it over a socket: over any second within 5 %. Reader and server share this process, so what holds
 * one up is seen by a clock beside them, and only as much as it has measured is allowed for.
 */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { BareConnection } from './testing/bare-connection.ts';
import { TestNode } from './testing/node.ts';

const SECONDS = 3.5;
const MESSAGES = 4_000;
const TICK_MS = 2;
/** Timers of a machine that has nothing else to do are late by so much. */
const USUAL_MS = 5;
/** The pacer may send so much at once after a pause. */
const SAVED_MS = 40;

let node: TestNode;
let token: string;

beforeAll(async () => {
  node = await TestNode.start();
  await node.produce(
    'paced',
    Array.from({ length: MESSAGES }, (_, n) => ({ text: String(n) })),
  );
  token = await node.token('paced');
});

afterAll(async () => {
  await node[Symbol.asyncDispose]();
});

interface Seen {
  /** ms */
  readonly at: number;
  readonly amount: number;
}

/** Notes when this process was held up, and for how long. */
function watchStalls(): { readonly stalls: readonly Seen[]; stop(): void } {
  const stalls: Seen[] = [];
  let last = performance.now();
  const timer = setInterval(() => {
    const now = performance.now();
    if (now - last > USUAL_MS) stalls.push({ at: now, amount: now - last });
    last = now;
  }, TICK_MS);
  return { stalls, stop: () => clearInterval(timer) };
}

async function read(maxRate: object, amountOf: (line: string) => number): Promise<Seen[]> {
  await using connection = await BareConnection.open(node.url, token, { from: 'earliest', max_rate: maxRate });
  const seen: Seen[] = [];
  let rest = '';
  const began = performance.now();
  for await (const data of connection.socket) {
    const at = performance.now();
    const lines = (rest + data).split('\n');
    rest = lines.pop()!;
    const amount = lines
      .filter((line) => line.startsWith('{"kind":"message"'))
      .reduce((sum, line) => sum + amountOf(line), 0);
    if (amount > 0) seen.push({ at, amount });
    if (at - began > SECONDS * 1000) break;
  }
  return seen;
}

/**
 * What stalls around a window may change, in seconds of the pace: one write at most comes late into it, since nothing is written
 * while all are held up; and what was not written meanwhile is not made up for, but for what the pacer saves.
 */
function heldUp(stalls: readonly Seen[], from: number, to: number): { shifted: number; lost: number } {
  // One that ended shortly before may have been over before what it held up came.
  const near = stalls.filter(({ at, amount }) => at >= from - SAVED_MS && at - amount < to);
  const shifted = Math.min(SAVED_MS, Math.max(0, ...near.map(({ amount }) => amount)));
  const lost = near.reduce((sum, { at, amount }) => sum + (at > to ? amount : Math.max(0, amount - SAVED_MS / 2)), 0);
  return { shifted: shifted / 1000, lost: lost / 1000 };
}

function within(all: readonly Seen[], from: number, to: number): number {
  return all.filter(({ at }) => at >= from && at < to).reduce((sum, { amount }) => sum + amount, 0);
}

test.each([
  ['messages', { messages: 800 }, 800, () => 1, 1],
  ['bytes', { bytes: 150_000 }, 150_000, (line: string) => line.length + 1, 400],
] as const)(
  'over any second a pace in %s is kept within 5 %, one message and what the machine was held up',
  async (_unit, maxRate, rate, amountOf, largest) => {
    const { stalls, stop } = watchStalls();
    const seen = await read(maxRate, amountOf);
    stop();
    const end = seen.at(-1)!.at;
    const starts = seen.map(({ at }) => at).filter((at) => at + 1_000 <= end);
    expect(starts.length).toBeGreaterThan(10);
    for (const start of starts) {
      const sent = within(seen, start, start + 1_000);
      const { shifted, lost } = heldUp(stalls, start, start + 1_000);
      expect(sent).toBeLessThanOrEqual(rate * (1.05 + shifted) + largest);
      expect(sent).toBeGreaterThanOrEqual(rate * (0.95 - lost) - largest);
    }
  },
);
