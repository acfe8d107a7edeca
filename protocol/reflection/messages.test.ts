/** What holds for every message of the protocol, whichever there are. */
import { UnknownFieldHandler } from '@protobuf-ts/runtime';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type AnyMessageType, EVENT_TYPES } from '../registry.ts';
import { arbitraryMessage } from './arbitrary.ts';
import { generatedTypes } from './generated-types.ts';
import { containedMessages, loadProtoRoot, messageShapes } from './shape.ts';

const root = loadProtoRoot();
const shapes = messageShapes(root);
const generated = await generatedTypes();
const RUNS = { numRuns: 60 };

/** An Any that holds a message of any registered event type, so that it has a JSON form. */
const anyEvent = fc.constantFrom(...EVENT_TYPES).chain((type) =>
  arbitraryMessage(shapes.get(type.typeName)!).map((message) => ({
    typeUrl: `type.googleapis.com/${type.typeName}`,
    value: type.toBinary(message),
  })),
);
/** A field number that no message of ours uses. */
const UNKNOWN_FIELD = 2000;

/** What wraps events, what lies on an entity topic, and what frames a stream. */
const NOT_EVENTS: ReadonlySet<string> = new Set([
  'capacity.v1m0.Capacity',
  'client.v1m0.Client',
  'client.v1m0.Revocation',
  'consumer.v1m0.Consumer',
  'node.v1m0.FirehoseNode',
  'envelope.v1m0.Envelope',
  'firehose.v1m0.Frame',
  'push.v1m0.Webhook',
]);

test('every message of the .proto files has generated code, and the other way round', () => {
  expect([...generated.keys()].sort()).toEqual([...shapes.keys()].sort());
});

test('every message that no other contains is registered as an event, unless it travels otherwise', () => {
  const contained = containedMessages(shapes);
  const alone = [...shapes.keys()].filter((name) => !contained.has(name));
  expect(EVENT_TYPES.map(({ typeName }) => typeName).sort()).toEqual(
    alone.filter((name) => !NOT_EVENTS.has(name)).sort(),
  );
  // An exception that no longer is one would hide the next mistake.
  for (const name of NOT_EVENTS) expect(alone).toContain(name);
});

describe.each([...shapes.keys()].sort())('%s', (name) => {
  const type = generated.get(name) as AnyMessageType;
  const messages = arbitraryMessage(shapes.get(name)!, anyEvent);

  test('survives its binary form', () => {
    fc.assert(
      fc.property(messages, (message) => {
        expect(type.fromBinary(type.toBinary(message))).toEqual(message);
      }),
      RUNS,
    );
  });

  test('survives its JSON form, with and without default values written out', () => {
    fc.assert(
      fc.property(messages, fc.boolean(), (message, emitDefaultValues) => {
        const options = { emitDefaultValues, typeRegistry: EVENT_TYPES };
        const json = JSON.parse(JSON.stringify(type.toJson(message, options)));
        expect(type.fromJson(json, options)).toEqual(message);
      }),
      RUNS,
    );
  });

  test('is encoded by protobufjs to the same bytes', () => {
    const peer = root.lookupType(name);
    fc.assert(
      fc.property(messages, (message) => {
        const bytes = type.toBinary(message);
        expect(Buffer.from(peer.encode(peer.decode(bytes)).finish())).toEqual(Buffer.from(bytes));
      }),
      RUNS,
    );
  });

  test('keeps fields that it does not know', () => {
    fc.assert(
      fc.property(messages, fc.uint8Array({ maxLength: 20 }), (message, unknown) => {
        const bytes = Buffer.concat([type.toBinary(message), field(UNKNOWN_FIELD, unknown)]);
        const decoded = type.fromBinary(bytes);
        expect(Buffer.from(type.toBinary(decoded))).toEqual(bytes);
        expect(UnknownFieldHandler.list(decoded).map(({ no }) => no)).toEqual([UNKNOWN_FIELD]);
      }),
      RUNS,
    );
  });
});

/** A length-delimited field, by hand. */
function field(number: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([((number << 3) & 0x7f) | 2 | 0x80, number >> 4, content.length]), content]);
}
