import fc from 'fast-check';
import { expect, test } from 'vitest';
import { findGrant, type Grants } from './grant.ts';
import { narrowGrants } from './grant-coverage.ts';

test.each<[Grants, string[], Grants | undefined]>([
  [{ 'ocr-*': { a: 1 } }, ['ocr-1.0'], { 'ocr-1.0': { a: 1 } }],
  [{ 'ocr-1': {} }, ['ocr-1.*'], { 'ocr-1': {}, 'ocr-1.*': {} }],
  [{ 'ocr-1.*': { a: 1 }, 'ocr-1.0': { b: 1 } }, ['ocr-1.0'], { 'ocr-1.0': { b: 1 } }],
  [{ 'ocr-1.*': {} }, ['ocr-2.0'], undefined],
  [{ 'ocr-1.0': {} }, ['ocr-*'], undefined],
  [{ 'ocr-*': {} }, ['face-1'], undefined],
  [{}, ['ocr-1'], undefined],
  [{ 'ocr-*': { a: 1 } }, [], {}],
  [{ 'ocr-*': {}, 'ocr-1.0': { least: 9 } }, ['ocr-*'], { 'ocr-*': {}, 'ocr-1.0': { least: 9 } }],
])('of %j, %j gives %j', (allowed, asked, expected) => {
  const narrowed = narrowGrants(allowed, asked);
  expect('grants' in narrowed ? narrowed.grants : undefined).toEqual(expected);
});

const digit = fc.constantFrom('0', '1', '2');
const version = fc.oneof(
  fc.constant('*'),
  digit,
  digit.map((major) => `${major}.*`),
  fc.tuple(digit, digit).map((parts) => parts.join('.')),
);
const pattern = fc.tuple(fc.constantFrom('ocr', 'face'), version).map((parts) => parts.join('-'));
const allowed = fc
  .uniqueArray(pattern, { maxLength: 5 })
  .map((patterns) => Object.fromEntries(patterns.map((p) => [p, { p }])));

test('whatever is asked for, no version gets more, or another configuration that is laxer, than was allowed', () => {
  fc.assert(
    fc.property(allowed, fc.array(pattern, { maxLength: 4 }), (grants, asked) => {
      const narrowed = narrowGrants(grants, asked);
      if (!('grants' in narrowed)) return;
      for (const service of ['ocr', 'face'])
        for (const major of [0, 1, 2])
          for (const minor of [0, 1, 2]) {
            const got = findGrant(narrowed.grants, service, { major, minor });
            if (got === undefined) continue;
            const full = findGrant(grants, service, { major, minor });
            expect(full).toBeDefined();
            // 'ocr-1' and 'ocr-1.*' say the same.
            expect(normal(got.p as string)).toBe(normal(full!.p as string));
          }
    }),
    { numRuns: 2000 },
  );
});

function normal(text: string): string {
  return text.replace(/-(\d)$/, '-$1.*');
}
