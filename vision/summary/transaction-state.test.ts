import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { ImageAccepted, TransactionClosed, TransactionOpened } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { type DecisionRules, deadlineOf, decide } from './decide.ts';
import { digestOf, type Fact } from './fact.ts';
import { fold } from './fold.ts';
import { summarise } from './summarise.ts';
import { disordered, factOf, imageId, START, transactionFacts } from './testing/arbitrary-facts.ts';
import { emptyState, type TransactionState } from './transaction-state.ts';

const RULES: DecisionRules = { defaultDeadlineMs: 60_000, revisionIntervalMs: 0 };

function folded(facts: readonly Fact[]): TransactionState {
  const state = emptyState('alice', 't');
  for (const fact of facts) fold(state, fact);
  return state;
}

/** Everything that anyone can see of a state. */
function view(state: TransactionState) {
  return {
    complete: digestOf(summarise(state, 'complete')),
    partial: digestOf(summarise(state, 'partial')),
    decisions: [0, 4000, 1e9].map((at) => decide(state, START + at, RULES)),
    deadline: deadlineOf(state, RULES),
    lastTime: state.lastTime,
    bearer: state.bearer,
    seen: [...state.seen].sort(),
    given: state.given,
  };
}

describe('the laws of folding', () => {
  test('any order and any repetition of the same facts give the same state', () => {
    const worlds = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), disordered(facts)));
    fc.assert(
      fc.property(worlds, ([facts, mixed]) => {
        expect(view(folded(mixed))).toEqual(view(folded(facts)));
      }),
      { numRuns: 300 },
    );
  });

  test('commutative: two facts may change places', () => {
    const pairs = transactionFacts().chain((facts) =>
      fc.tuple(fc.constant(facts), fc.nat(facts.length - 1), fc.nat(facts.length - 1)),
    );
    fc.assert(
      fc.property(pairs, ([facts, a, b]) => {
        const before = facts.filter((_, n) => n !== a && n !== b);
        expect(view(folded([...before, facts[a]!, facts[b]!]))).toEqual(
          view(folded([...before, facts[b]!, facts[a]!])),
        );
      }),
    );
  });

  test('idempotent: a fact that is in already changes nothing and says so', () => {
    const repeats = transactionFacts().chain((facts) => fc.tuple(fc.constant(facts), fc.constantFrom(...facts)));
    fc.assert(
      fc.property(repeats, ([facts, again]) => {
        const state = folded(facts);
        const before = view(state);
        expect(fold(state, again)).toBe(false);
        expect(view(state)).toEqual(before);
      }),
    );
  });

  test('a transaction whose facts are all there is complete', () => {
    fc.assert(
      fc.property(transactionFacts(), (facts) => {
        expect(decide(folded(facts), START, RULES)).toEqual({ kind: 'give', status: 'complete' });
      }),
    );
  });
});

const accepted = (n: number, services: string[], at = 0) =>
  factOf(ImageAccepted, ImageAccepted.create({ imageId: imageId(n), services }), { at });
const completed = (n: number, service: string, results = 0) =>
  factOf(ServiceCompleted, ServiceCompleted.create({ imageId: imageId(n), service, version: '1.0', results }));
const line = (n: number) => factOf(TextLine, TextLine.create({ imageId: imageId(n), text: 'x' }));
const opened = (expectedImages: number, deadline?: number) =>
  factOf(TransactionOpened, {
    expectedImages,
    ...(deadline === undefined ? {} : { deadline: Timestamp.fromDate(new Date(START + deadline)) }),
  });
const closed = (expectedImages = 0) => factOf(TransactionClosed, { expectedImages });
const status = (facts: Fact[], at = 0) => {
  const decision = decide(folded(facts), START + at, RULES);
  return decision.kind === 'give' ? decision.status : 'incomplete';
};

describe('when a transaction is complete', () => {
  test.each<[string, Fact[], string]>([
    ['one service of two has spoken', [accepted(0, ['a', 'b']), completed(0, 'a')], 'incomplete'],
    ['both have', [accepted(0, ['a', 'b']), completed(0, 'a'), completed(0, 'b')], 'complete'],
    ['one image of two is done', [accepted(0, ['a']), accepted(1, ['a']), completed(0, 'a')], 'incomplete'],
    ['the marker overtook a result', [accepted(0, ['a']), completed(0, 'a', 1)], 'incomplete'],
    ['the result came after its marker', [accepted(0, ['a']), completed(0, 'a', 1), line(0)], 'complete'],
    ['no service is granted', [accepted(0, [])], 'complete'],
    ['an image is announced and missing', [opened(2), accepted(0, [])], 'incomplete'],
    ['all announced images are there', [opened(2), accepted(0, []), accepted(1, [])], 'complete'],
    ['opened without a number and not closed', [opened(0), accepted(0, [])], 'incomplete'],
    ['opened without a number and closed', [opened(0), accepted(0, []), closed()], 'complete'],
    ['closed with more images than there are', [accepted(0, []), closed(2)], 'incomplete'],
    ['only the marker is there', [completed(0, 'a')], 'incomplete'],
  ])('%s: %3$s', (_case, facts, expected) => {
    expect(status(facts)).toBe(expected);
  });

  test('a failure settles a service as well, and a completion after it counts more', () => {
    const failed = factOf(ServiceFailed, ServiceFailed.create({ imageId: imageId(0), service: 'a', version: '1.0' }));
    expect(status([accepted(0, ['a']), failed])).toBe('complete');
    for (const said of [
      [failed, completed(0, 'a')],
      [completed(0, 'a'), failed],
    ]) {
      const both = folded([accepted(0, ['a']), ...said]);
      expect(summarise(both, 'complete').services).toMatchObject([{ service: 'a', completed: 1, failed: 0 }]);
    }
  });

  test('without a token that grants the summary there is none', () => {
    const image = ImageAccepted.create({ imageId: imageId(0) });
    expect(status([factOf(ImageAccepted, image, { granted: false })])).toBe('incomplete');
  });
});

describe('deadlines', () => {
  const waiting = accepted(0, ['a'], 1000);

  test('the default counts from the last image', () => {
    expect(status([waiting], 60_999)).toBe('incomplete');
    expect(status([waiting], 61_000)).toBe('partial');
    expect(decide(folded([waiting]), START, RULES)).toEqual({ kind: 'wait', due: START + 61_000 });
  });

  test("the client's own takes its place", () => {
    expect(status([opened(1, 5000), waiting], 4999)).toBe('incomplete');
    expect(status([opened(1, 5000), waiting], 5000)).toBe('partial');
  });

  test('a transaction that was opened and got no image is summed up at its deadline too', () => {
    expect(status([opened(1, 5000)], 5000)).toBe('partial');
  });

  test('what is complete at the deadline is complete', () => {
    expect(status([waiting, completed(0, 'a')], 1e9)).toBe('complete');
  });
});

test('after a summary the next is given when something has changed, and not before the interval is over', () => {
  const state = folded([accepted(0, ['a']), completed(0, 'a')]);
  state.given = { revision: 1, digest: '', at: START };
  state.changed = false;
  const rules = { ...RULES, revisionIntervalMs: 1000 };
  expect(decide(state, START + 5000, rules)).toEqual({ kind: 'wait', due: undefined });
  fold(state, line(0));
  expect(decide(state, START + 999, rules)).toEqual({ kind: 'wait', due: START + 1000 });
  expect(decide(state, START + 1000, rules)).toEqual({ kind: 'give', status: 'complete' });
});
