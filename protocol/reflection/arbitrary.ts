/**
 * fast-check generators for any message, derived from its shape: whatever the .proto files allow, edges included.
 *
 * Values are as protobuf-ts has them. Of 64-bit numbers only those that a JavaScript number holds, which is what the
 * generated code is for. Well-known types keep to the ranges that their JSON forms have.
 */
import fc from 'fast-check';
import type { FieldShape, MessageShape, Scalar, ValueShape } from './shape.ts';

/** A message as a plain object. */
export type AnyMessage = Record<string, unknown>;

/** Levels of messages within messages, at most. */
const MAX_DEPTH = 4;
const MAX_INT64 = Number.MAX_SAFE_INTEGER;

/** @param any generates the content of a google.protobuf.Any */
export function arbitraryMessage(
  shape: MessageShape,
  any: fc.Arbitrary<AnyMessage> = fc.constant({ typeUrl: '', value: new Uint8Array() }),
  depth = 0,
): fc.Arbitrary<AnyMessage> {
  switch (shape.name) {
    case 'google.protobuf.Timestamp':
      return arbitraryTimestamp();
    case 'google.protobuf.Duration':
      return arbitraryDuration();
    case 'google.protobuf.Any':
      return any;
  }
  const members: Record<string, fc.Arbitrary<unknown>> = {};
  for (const field of shape.fields) members[field.name] = arbitraryField(field, any, depth);
  for (const { name, fields } of shape.oneofs) {
    const cases = fields.map((field) =>
      arbitraryValue(field.value, any, depth).map((value) => ({ oneofKind: field.name, [field.name]: value })),
    );
    members[name] = fc.oneof(fc.constant({ oneofKind: undefined }), ...cases);
  }
  // A field that is not there is left out, as protobuf-ts leaves it out when it decodes.
  return fc
    .record(members)
    .map((message) => Object.fromEntries(Object.entries(message).filter(([, value]) => value !== undefined)));
}

function arbitraryField(field: FieldShape, any: fc.Arbitrary<AnyMessage>, depth: number): fc.Arbitrary<unknown> {
  const deepest = field.value.kind === 'message' && depth >= MAX_DEPTH;
  switch (field.presence) {
    case 'repeated':
      return deepest ? fc.constant([]) : fc.array(arbitraryValue(field.value, any, depth), { maxLength: 4 });
    case 'optional':
      return deepest ? fc.constant(undefined) : fc.option(arbitraryValue(field.value, any, depth), { nil: undefined });
    case 'implicit':
      return arbitraryValue(field.value, any, depth);
  }
}

function arbitraryValue(value: ValueShape, any: fc.Arbitrary<AnyMessage>, depth: number): fc.Arbitrary<unknown> {
  switch (value.kind) {
    case 'message':
      return arbitraryMessage(value.message(), any, depth + 1);
    case 'enum':
      // Values that this release does not know must survive too: enums are open.
      return fc.oneof(
        { weight: 4, arbitrary: fc.constantFrom(...value.values) },
        { weight: 1, arbitrary: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }) },
      );
    case 'scalar':
      return arbitraryScalar(value.scalar);
  }
}

function arbitraryScalar(scalar: Scalar): fc.Arbitrary<unknown> {
  switch (scalar) {
    case 'bool':
      return fc.boolean();
    case 'string':
      // Lone surrogates are no text: UTF-8 cannot carry them.
      return fc.string({ unit: 'binary' });
    case 'bytes':
      return fc.uint8Array({ maxLength: 64 });
    case 'float':
      return fc.float().map(withoutNegativeZero);
    case 'double':
      return fc.double().map(withoutNegativeZero);
    case 'int32':
    case 'sint32':
    case 'sfixed32':
      return fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    case 'uint32':
    case 'fixed32':
      return fc.integer({ min: 0, max: 2 ** 32 - 1 });
    case 'int64':
    case 'sint64':
    case 'sfixed64':
      return fc.integer({ min: -MAX_INT64, max: MAX_INT64 });
    case 'uint64':
    case 'fixed64':
      return fc.integer({ min: 0, max: MAX_INT64 });
  }
}

/** Implicit presence takes -0 for the default 0 and does not send it. */
function withoutNegativeZero(number: number): number {
  return number === 0 ? 0 : number;
}

/** 0001-01-01 to 9999-12-31. */
function arbitraryTimestamp(): fc.Arbitrary<AnyMessage> {
  return fc.record({
    seconds: fc.integer({ min: -62_135_596_800, max: 253_402_300_799 }),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  });
}

/** Seconds and nanoseconds have the same sign. */
function arbitraryDuration(): fc.Arbitrary<AnyMessage> {
  return fc
    .record({
      negative: fc.boolean(),
      seconds: fc.integer({ min: 0, max: 315_576_000_000 }),
      nanos: fc.integer({ min: 0, max: 999_999_999 }),
    })
    .map(({ negative, seconds, nanos }) => {
      const sign = negative ? -1 : 1;
      return { seconds: withoutNegativeZero(sign * seconds), nanos: withoutNegativeZero(sign * nanos) };
    });
}
