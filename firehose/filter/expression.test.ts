import { describe, expect, test } from 'vitest';
import { compileExpression } from './expression.ts';
import type { FilterError } from './filter-error.ts';

const frame = (payload: object, fields: object = {}) =>
  Buffer.from(
    `${JSON.stringify({ kind: 'message', offset: 7, prev: 3, time: '2026-01-02T03:04:05.000Z', type: 'ocr.v1m0.TextLine', transaction: 't1', id: 'm', payload, ...fields })}\n`,
  );
const matches = (source: string, payload: object = {}) => compileExpression(source).matches(frame(payload));
const refusal = (source: string): FilterError => {
  try {
    compileExpression(source);
  } catch (error) {
    return error as FilterError;
  }
  throw new Error(`${source} is accepted`);
};

test.each([
  ['message.type == "ocr.v1m0.TextLine"', {}, true],
  ['message.type.startsWith("ocr.") && payload.confidence >= 0.9', { confidence: 0.95 }, true],
  ['payload.confidence >= 0.9', { confidence: 0.89 }, false],
  ['payload.index == 3', { index: 3 }, true],
  ['payload.text.contains("Total")', { text: 'Grand Total' }, true],
  ['message.offset > 5 && message.prev == 3', {}, true],
  ['message.time > timestamp("2026-01-01T00:00:00Z")', {}, true],
  ['payload.faces.exists(f, f.confidence > 0.5)', { faces: [{ confidence: 0.1 }, { confidence: 0.7 }] }, true],
  ['size(payload.faces) == 2', { faces: [1, 2] }, true],
  ['has(payload.box) && payload.box.width > 10', { box: { width: 11 } }, true],
  ['payload.label in ["QRCode", "Code128"]', { label: 'QRCode' }, true],
  ['payload.ids.exists(id, id == 2)', { ids: [1, 2] }, true],
  ['type(payload.index) == double && type(payload.text) == string', { index: 3, text: '3' }, true],
])('%s over %j is %s', (source, payload, expected) => {
  expect(matches(source, payload)).toBe(expected);
});

test('a message that lacks what is asked for does not match, nor does a value that is no bool', () => {
  expect(matches('payload.nothing > 3')).toBe(false);
  expect(matches('payload.text', { text: 'true' })).toBe(false);
});

describe('what is wrong is said with its position', () => {
  test.each([
    ['payload.confidence >', /EOF|end/i, 20],
    ['mesage.type == "x"', /an expression sees message \(.*\) and payload, but no mesage/, 0],
    ['type == "ocr.v1m0.TextLine"', /but no type: write message\.type/, 0],
    ['transaction == "t1"', /but no transaction: write message\.transaction/, 0],
    ['payload.index == 1 && offset > 5', /but no offset: write message\.offset/, 22],
    ['type == payload.kind', /write message\.type/, 0],
    ['has(type)', /write message\.type/, 4],
    ['payload.a.exists(type, type > 1) && type == "x"', /write message\.type/, 36],
    ['confidence > 0.9', /but no confidence: a field of the payload is written payload\.confidence/, 0],
    ['1 + "a" == 2', /overload/, 0],
    ['"text"', /must give a bool/, 0],
    ['payload.text.matches("(a+)+$")', /regular expressions are not offered/, 0],
    ['payload.a.exists(x, payload.b.exists(y, y == x))', /for each element of a list/, 20],
    [`${'1 == 1 && '.repeat(100)}true`, /maxAstNodes/, undefined],
  ])('%s', (source, message, start) => {
    const { range, message: said } = refusal(source);
    expect(said).toMatch(message);
    if (start !== undefined) expect(range.start).toBe(start);
  });
});
