import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type AssignablePartition, assign, type Candidate } from './assignment.ts';

const topic = fc.constantFrom('a', 'b', 'c');
const members = fc
  .uniqueArray(fc.constantFrom('m1', 'm2', 'm3', 'm4', 'm5'), { minLength: 1 })
  .chain((names) =>
    fc.tuple(
      ...names.map((member) =>
        fc.uniqueArray(topic, { minLength: 1 }).map((topics): Candidate => ({ member, topics: new Set(topics) })),
      ),
    ),
  );
const partitions = fc
  .array(fc.record({ topic, holder: fc.option(fc.constantFrom('m1', 'm2', 'm9'), { nil: undefined }) }), {
    maxLength: 24,
  })
  .map((all): AssignablePartition[] => all.map((partition, slot) => ({ slot, ...partition })));

test('every partition that somebody wants goes to one who wants it, balanced within each topic', () => {
  fc.assert(
    fc.property(partitions, members, (all, candidates) => {
      const targets = assign(all, candidates);
      for (const name of ['a', 'b', 'c']) {
        const takers = candidates.filter(({ topics }) => topics.has(name)).map(({ member }) => member);
        const ofTopic = all.filter((partition) => partition.topic === name);
        const counts = takers.map((member) => ofTopic.filter(({ slot }) => targets.get(slot) === member).length);
        if (takers.length === 0) expect(ofTopic.some(({ slot }) => targets.has(slot))).toBe(false);
        else {
          expect(counts.reduce((a, b) => a + b, 0)).toBe(ofTopic.length);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
        }
      }
    }),
  );
});

test('nothing moves when nothing changed', () => {
  fc.assert(
    fc.property(partitions, members, (all, candidates) => {
      const first = assign(all, candidates);
      const held = all.map((partition) => ({ ...partition, holder: first.get(partition.slot) }));
      expect(assign(held, candidates)).toEqual(first);
    }),
  );
});

test('a newcomer takes its share and moves nothing else', () => {
  const held = Array.from({ length: 9 }, (_, slot) => ({ slot, topic: 'a', holder: slot < 5 ? 'm1' : 'm2' }));
  const targets = assign(
    held,
    ['m1', 'm2', 'm3'].map((member) => ({ member, topics: new Set(['a']) })),
  );
  const moved = held.filter(({ slot, holder }) => targets.get(slot) !== holder);
  expect(moved).toHaveLength(3);
  expect(moved.every(({ slot }) => targets.get(slot) === 'm3')).toBe(true);
});

test('topics of one partition are spread over the members', () => {
  const topics = ['a', 'b', 'c'];
  const targets = assign(
    topics.map((name, slot) => ({ slot, topic: name, holder: undefined })),
    ['m1', 'm2', 'm3'].map((member) => ({ member, topics: new Set(topics) })),
  );
  expect(new Set(targets.values()).size).toBe(3);
});
