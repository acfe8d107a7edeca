/** A random valid message of any shape, with values that could be a vision service's: confidences from 0 to 1, points within a picture. */
import type { FieldShape, MessageShape, Scalar } from '../../protocol/reflection/shape.ts';
import { rounded } from '../inference/precision.ts';
import type { Random } from './random.ts';

/** Pixels of the imagined picture. */
const SIDE = 4096;
/** Entries of a repeated field, and levels of messages within messages, at most. */
const MAX_REPEATED = 6;
const MAX_DEPTH = 4;
const ALPHABET = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 äßéñ漢字';

/** @param size most characters of a text and bytes of a blob */
export function randomMessage(shape: MessageShape, random: Random, size: number, depth = 0): Record<string, unknown> {
  const message: Record<string, unknown> = {};
  for (const field of shape.fields) message[field.name] = randomField(field, random, size, depth);
  for (const oneof of shape.oneofs) {
    const field = random.pick(oneof.fields);
    message[oneof.name] = { oneofKind: field.name, [field.name]: randomValue(field, random, size, depth) };
  }
  return message;
}

function randomField(field: FieldShape, random: Random, size: number, depth: number): unknown {
  switch (field.presence) {
    case 'repeated':
      return Array.from({ length: depth < MAX_DEPTH ? random.integer(0, MAX_REPEATED) : 0 }, () =>
        randomValue(field, random, size, depth),
      );
    case 'optional':
      return depth < MAX_DEPTH && random.fraction() < 0.9 ? randomValue(field, random, size, depth) : undefined;
    case 'implicit':
      return randomValue(field, random, size, depth);
  }
}

function randomValue(field: FieldShape, random: Random, size: number, depth: number): unknown {
  const { value } = field;
  switch (value.kind) {
    case 'message':
      return randomMessage(value.message(), random, size, depth + 1);
    case 'enum':
      return random.pick(value.values);
    case 'scalar':
      return field.name === 'confidence' ? rounded(random.fraction()) : randomScalar(value.scalar, random, size);
  }
}

function randomScalar(scalar: Scalar, random: Random, size: number): unknown {
  switch (scalar) {
    case 'bool':
      return random.fraction() < 0.5;
    case 'string':
      return Array.from({ length: random.integer(0, size) }, () => random.pick([...ALPHABET])).join('');
    case 'bytes':
      return Uint8Array.from({ length: random.integer(0, size) }, () => random.integer(0, 255));
    case 'float':
    case 'double':
      return rounded(random.fraction() * SIDE);
    default:
      return random.integer(0, SIDE);
  }
}
