/** The book of a partition against a simulated log: crashes anywhere, time passing, late results, lost stores. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { digestOf, type Fact } from './fact.ts';
import { fold } from './fold.ts';
import { summarise } from './summarise.ts';
import { disordered, transactionFacts } from './testing/arbitrary-facts.ts';
import { inWorld } from './testing/simulated-world.ts';
import { emptyState } from './transaction-state.ts';

/** Hundreds of stores are opened on a real disk. */
const PATIENCE = { timeout: 180_000 };

function expectedOf(facts: readonly Fact[]): string {
  const state = emptyState('alice', 't');
  for (const fact of facts) fold(state, fact);
  return digestOf(summarise(state, 'complete'));
}

type Step =
  | { readonly kind: 'arrive'; readonly facts: number }
  | { readonly kind: 'work'; readonly records: number }
  | { readonly kind: 'tick'; readonly at: number }
  | { readonly kind: 'crash'; readonly records: number; readonly until: 'taken' | 'sent' | 'saved' }
  | { readonly kind: 'lose' };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('arrive' as const), facts: fc.integer({ min: 1, max: 6 }) }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant('work' as const), records: fc.integer({ min: 1, max: 8 }) }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ kind: fc.constant('tick' as const), at: fc.integer({ min: 0, max: 20_000 }) }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('crash' as const),
        records: fc.integer({ min: 0, max: 8 }),
        until: fc.constantFrom('taken' as const, 'sent' as const, 'saved' as const),
      }),
    },
    { weight: 1, arbitrary: fc.constant({ kind: 'lose' as const }) },
  ),
  { maxLength: 30 },
);

test(
  'whatever the order, the repetitions, the crashes and the clock: the last summary says what all facts say together',
  PATIENCE,
  () => {
    const worlds = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), disordered(facts), steps));
    fc.assert(
      fc.property(worlds, ([facts, arriving, script]) =>
        inWorld((world) => {
          let next = 0;
          for (const step of script) {
            switch (step.kind) {
              case 'arrive':
                world.append(...arriving.slice(next, next + step.facts));
                next = Math.min(arriving.length, next + step.facts);
                break;
              case 'work':
                world.work(step.records);
                break;
              case 'tick':
                world.tick(step.at);
                break;
              case 'crash':
                world.work(step.records, step.until);
                world.crash();
                break;
              case 'lose':
                world.loseStore();
            }
          }
          world.append(...arriving.slice(next));
          world.workOff();
          world.tick(1e9);
          world.workOff();
          const summaries = world.summaries();
          const last = summaries.at(-1)!;
          expect(digestOf(last)).toBe(expectedOf(facts));
          // Each counts on from the one before, so that a client can tell which is the later one.
          expect(summaries.map(({ revision }) => revision)).toEqual(summaries.map((_, n) => n + 1));
          for (let n = 1; n < summaries.length; n++)
            expect(digestOf(summaries[n]!)).not.toBe(digestOf(summaries[n - 1]!));
        }),
      ),
      { numRuns: 150 },
    );
  },
);

test('every fact is counted in the usage once, however often it comes and whatever crashes', PATIENCE, () => {
  const worlds = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), disordered(facts), fc.nat(8)));
  fc.assert(
    fc.property(worlds, ([facts, arriving, crashAfter]) =>
      inWorld((world) => {
        world.append(...arriving);
        world.work(crashAfter, 'sent');
        world.crash();
        world.work(crashAfter);
        world.crash();
        world.workOff();
        const count = (...kinds: string[]) => facts.filter(({ said }) => kinds.includes(said.kind)).length;
        const images = facts.flatMap(({ said }) => (said.kind === 'accepted' ? [said.image] : []));
        expect(world.usage('alice')).toEqual([
          {
            day: '2026-11-21',
            images: images.length,
            bytes: images.reduce((sum, { size }) => sum + size, 0),
            results: count('face', 'text', 'barcode', 'other-result'),
            completions: count('completed'),
            failures: count('failed'),
            summaries: world.summaries().length,
          },
        ]);
        expect(world.usage('bob')).toEqual([]);
      }),
    ),
    { numRuns: 50 },
  );
});
