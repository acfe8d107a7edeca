import fc from 'fast-check';
import { expect, test } from 'vitest';
import { formatTraceparent, newTraceContext, parseTraceparent } from './traceparent.ts';

const hex = (length: number) =>
  fc
    .array(fc.constantFrom(...'0123456789abcdef'), { minLength: length, maxLength: length })
    .map((digits) => digits.join(''))
    .filter((digits) => !/^0+$/.test(digits));
const contexts = fc.record({ traceId: hex(32), spanId: hex(16), sampled: fc.boolean() });

test('what is formatted is parsed to the same', () => {
  fc.assert(
    fc.property(contexts, (context) => {
      expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
    }),
  );
});

test('anything else is ignored and never throws', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const parsed = parseTraceparent(text);
      if (parsed !== undefined) expect(text).toContain(parsed.traceId);
    }),
  );
});

const ID = '0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331';
test.each([
  [`00-${ID}-01`, true],
  [`00-${ID}-00`, false],
  [`00-${ID}-03`, true],
  [`cc-${ID}-01-what-the-future-brings`, true],
])('%s is accepted', (text, sampled) => {
  expect(parseTraceparent(text)).toMatchObject({ sampled });
});

test.each([
  undefined,
  '',
  `ff-${ID}-01`,
  `00-${ID}-01-more`,
  `00-${ID.toUpperCase()}-01`,
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-0af7651916cd43dd8448eb211c80319c-${'0'.repeat(16)}-01`,
  `00-${ID}`,
])('%s is ignored, as the specification says', (text) => {
  expect(parseTraceparent(text)).toBeUndefined();
});

test('a new context is valid whatever the random source gives', () => {
  const context = newTraceContext((bytes) => Buffer.alloc(bytes));
  expect(parseTraceparent(formatTraceparent(context))).toEqual(context);
  expect(context.sampled).toBe(false);
});
