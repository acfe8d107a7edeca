/** Streams that end at a time or an offset which the journal has not reached yet, with a clock and a log that the test moves. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../../journal/testing/temporary-folder.ts';
import { CLIENT, JournalUnderTest } from '../testing/journal-under-test.ts';
import { AT_T, message, SETTLE_MS, T, UntilScene, WANTED } from '../testing/until-scene.ts';

test('a stream until a time to come sends what comes before, and ends at the first message that is not earlier', async () => {
  using scene = new UntilScene();
  scene.journal.append([message(T - 9_000)]);
  const stream = scene.open(AT_T);
  await stream.settle();
  scene.now = T - 1;
  scene.journal.append([message(T - 5), message(T - 1), message(T), message(T + 1)]);
  await stream.settle();
  expect(stream.offsets()).toEqual(scene.journal.frames.slice(0, 3).map(({ offset }) => offset));
  expect(stream.frames().at(-1)).toMatchObject({ kind: 'goodbye', reason: 'until', terminal: true });
});

test('it ends at its time where no message comes, but not before what was on its way could be in the log', async () => {
  using scene = new UntilScene();
  const stream = scene.open(AT_T);
  scene.now = T + SETTLE_MS;
  await stream.settle();
  expect({ reason: stream.reason(), asked: scene.asked }).toEqual({ reason: undefined, asked: 0 });
  scene.now = T + SETTLE_MS + 1;
  await stream.settle();
  expect({ reason: stream.reason(), asked: scene.asked }).toEqual({ reason: 'until', asked: 1 });
});

test('it waits for the journal to take in what the log held at its end', async () => {
  using scene = new UntilScene();
  scene.journal.append([message(T - 9_000)]);
  const stream = scene.open(AT_T);
  scene.now = T + SETTLE_MS + 1;
  scene.logEnd = scene.journal.position + 3;
  await stream.settle();
  expect(stream.reason()).toBeUndefined();
  scene.journal.append([message(T - 1)]);
  scene.journal.append([message(T + 70_000, 'bob')]);
  await stream.settle();
  expect(stream.offsets()).toEqual(scene.journal.frames.map(({ offset }) => offset));
  expect(stream.offsets()).toHaveLength(2);
  expect(stream.reason()).toBe('until');
});

test('it asks the log again where that could not answer', async () => {
  using folder = temporaryFolder();
  let asked = 0;
  let now = T + 10;
  const journal = new JournalUnderTest(folder.path, () => ({
    now: () => now,
    logEnd: async () => {
      if (++asked === 1) throw new Error('the log is away');
      return 0;
    },
  }));
  const { stream, frames } = journal.connect(-1, { ...WANTED, until: AT_T });
  for (; asked < 2; now++) {
    stream.tick(now);
    await new Promise((resolve) => setImmediate(resolve));
  }
  while (frames().at(-1).kind !== 'goodbye') {
    stream.tick(++now);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(frames().at(-1)).toMatchObject({ reason: 'until' });
  journal.close();
});

test('opened after its time it sends the same', async () => {
  using scene = new UntilScene();
  scene.journal.append([message(T - 2), message(T - 1)]);
  scene.now = T + 3_600_000;
  const none = scene.open(AT_T);
  scene.now++;
  await none.settle();
  expect({ offsets: none.offsets(), reason: none.reason() }).toEqual({
    offsets: scene.journal.frames.map(({ offset }) => offset),
    reason: 'until',
  });
  scene.journal.append([message(T), message(T - 1)]);
  const later = scene.open(AT_T, none.offsets()[0]);
  await later.settle();
  expect({ offsets: later.offsets(), reason: later.reason() }).toEqual({
    offsets: none.offsets().slice(1),
    reason: 'until',
  });
});

test.each([
  ['journaled', { kind: 'offset', epoch: undefined, offset: 12 }],
  ['journaled', AT_T],
  ['head', AT_T],
  ['offsetAtTime', AT_T],
] as const)(
  'what is appended while the stream asks (%s, %o) is neither missed nor sent though it is too late',
  async (question, until) => {
    using scene = new UntilScene();
    scene.journal.append([message(T - 100)]);
    const stream = scene.open(until);
    await stream.settle();
    scene.now = T + SETTLE_MS + 1;
    // The log's end, or the offset, is reached by the very commit that falls between two questions.
    scene.logEnd = scene.journal.position + 20;
    const late = Array.from({ length: 10 }, (_, n) => message(n < 6 ? T - 10 + n : T + n));
    scene.seam = { question, run: () => scene.journal.append(late) };
    scene.journal.append([message(T - 50)]);
    await stream.settle();
    scene.journal.append([message(T + 1_000, 'bob'), message(T + 1_001, 'bob')]);
    await stream.settle();
    const wanted = scene.journal.frames.filter(({ time, offset }) =>
      until.kind === 'time' ? Date.parse(time) < T : offset <= until.offset,
    );
    expect(stream.offsets()).toEqual(wanted.map(({ offset }) => offset));
    expect(stream.reason()).toBe('until');
  },
);

test('an offset to come ends the stream once the journal is past it, though no message of the client tells', async () => {
  using scene = new UntilScene();
  scene.journal.append([message(1)]);
  const stream = scene.open({ kind: 'offset', epoch: undefined, offset: scene.journal.position + 3 });
  await stream.settle();
  expect(stream.reason()).toBeUndefined();
  scene.journal.append([message(2)]);
  scene.journal.append([message(3, 'bob'), message(4, 'bob'), message(5, 'bob')]);
  await stream.settle();
  expect({ offsets: stream.offsets(), reason: stream.reason() }).toEqual({
    offsets: scene.journal.frames.map(({ offset }) => offset),
    reason: 'until',
  });
});

test('whatever comes when, a stream until T and one from T hold every message once', { timeout: 120_000 }, async () => {
  const batch = fc.array(
    fc.record({ client: fc.constantFrom(CLIENT, CLIENT, 'bob'), at: fc.integer({ min: -4, max: 1 }) }),
    { minLength: 1, maxLength: 4 },
  );
  const given = fc.record({
    batches: fc.array(batch, { maxLength: 8 }),
    seam: fc.constantFrom('journaled', 'head', 'offsetAtTime', undefined),
    openedAt: fc.nat(8),
  });
  await fc.assert(
    fc.asyncProperty(given, async ({ batches, seam, openedAt }) => {
      using scene = new UntilScene();
      let stream: ReturnType<UntilScene['open']> | undefined;
      for (const [at, specs] of batches.entries()) {
        if (at === Math.min(openedAt, batches.length - 1)) stream = scene.open(AT_T);
        const append = () => scene.journal.append(specs.map(({ client, at }) => message(T + at, client)));
        if (seam === undefined || stream === undefined) append();
        else {
          scene.seam = { question: seam, run: append };
          scene.journal.append([message(T - 8)]);
        }
        await stream?.settle();
        if (scene.seam !== undefined) append();
        scene.seam = undefined;
      }
      stream ??= scene.open(AT_T);
      scene.now = T + SETTLE_MS + 1;
      await stream.settle();
      const first = scene.journal.frames.findIndex(({ time }) => Date.parse(time) >= T);
      const wanted = first === -1 ? scene.journal.frames : scene.journal.frames.slice(0, first);
      expect(stream.offsets()).toEqual(wanted.map(({ offset }) => offset));
      expect(stream.reason()).toBe('until');
    }),
    // Most of a run is waiting for the disk: on a slow one fewer runs have to do. One that hangs fails.
    { numRuns: 60, timeout: 30_000, interruptAfterTimeLimit: 80_000 },
  );
});
