import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { checkConfig } from './config.ts';

const schema = Type.Object(
  { min_confidence: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })), side: Type.Optional(Type.Integer()) },
  { additionalProperties: false },
);

test('what fits is taken as it is', () => {
  expect(checkConfig(schema, { min_confidence: 0.5 })).toEqual({ min_confidence: 0.5 });
});

test('each key that does not fit is named once, and what would be known', () => {
  expect(() => checkConfig(schema, { language: 'de', min_confidence: 2 })).toThrow(
    /^\/language is no setting here; known are min_confidence, side; \/min_confidence must be <= 1$/,
  );
});
