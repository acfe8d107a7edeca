import fc from 'fast-check';
import { expect, test } from 'vitest';
import { EnvelopeError, type Event, packEvent, payloadJson, payloadOf, unpackEvent } from './envelope.ts';
import { Envelope } from './generated/envelope/v1m0/envelope_pb.js';
import { Timestamp } from './generated/google/protobuf/timestamp_pb.js';
import { TransactionOpened } from './generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from './generated/ocr/v1m0/ocr_pb.js';
import { arbitraryMessage } from './reflection/arbitrary.ts';
import { loadProtoRoot, messageShapes } from './reflection/shape.ts';
import { EVENT_TYPES, eventType } from './registry.ts';

const shapes = messageShapes(loadProtoRoot());
const name = fc.string({ minLength: 1, unit: 'binary' });
const events = fc.record({
  context: fc.record({ correlationId: name, client: name, token: fc.string(), traceparent: fc.string() }),
  messageId: name,
  eventTime: fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 }),
  payload: fc
    .constantFrom(...EVENT_TYPES)
    .chain((type) => arbitraryMessage(shapes.get(type.typeName)!).map((message) => ({ type, message }))),
});

test('what is packed is unpacked, for every registered event type', () => {
  fc.assert(
    fc.property(events, ({ context, messageId, eventTime, payload: { type, message } }) => {
      const event = unpackEvent(packEvent(context, { messageId, eventTime, type, message }));
      expect(event).toEqual({ ...context, messageId, eventTime, type: type.typeName, payload: type.toBinary(message) });
      expect(payloadOf(event, type)).toEqual(message);
      expect(eventType(event.type)).toBe(type);
    }),
    { numRuns: 300 },
  );
});

test('the JSON of a payload is its canonical mapping, with every field in it', () => {
  fc.assert(
    fc.property(events, ({ context, messageId, eventTime, payload: { type, message } }) => {
      const event = unpackEvent(packEvent(context, { messageId, eventTime, type, message }));
      expect(type.fromJson(payloadJson(event))).toEqual(message);
    }),
    { numRuns: 300 },
  );
});

test('a payload of a type that this release does not know is passed on undecoded', () => {
  const event = { ...anEvent(), type: 'future.v9m0.Marvel', payload: Buffer.from('anything') };
  expect(payloadJson(event)).toEqual({ '@type': 'type.googleapis.com/future.v9m0.Marvel', value: 'YW55dGhpbmc=' });
});

test('whatever bytes a record holds, unpacking them gives an event or an EnvelopeError', () => {
  const valid = packEvent(anEvent(), { messageId: 'm', eventTime: 1, type: TextLine, message: TextLine.create() });
  const damaged = fc
    .tuple(fc.nat(valid.length - 1), fc.integer({ min: 0, max: 255 }), fc.nat(valid.length))
    .map(([at, byte, length]) => Uint8Array.from(valid, (b, n) => (n === at ? byte : b)).subarray(0, length));
  fc.assert(
    fc.property(fc.oneof(fc.uint8Array({ maxLength: 200 }), damaged), (bytes) => {
      try {
        payloadJson(unpackEvent(bytes));
      } catch (error) {
        expect(error).toBeInstanceOf(EnvelopeError);
      }
    }),
    { numRuns: 2000 },
  );
});

test.each([
  ['has no value', null],
  ['has no payload', Envelope.toBinary(envelope({ payload: undefined }))],
  ['has no event time', Envelope.toBinary(envelope({ eventTime: undefined }))],
  ['lacks its message id', Envelope.toBinary(envelope({ messageId: '' }))],
  ['lacks its message id, client', Envelope.toBinary(envelope({ client: '' }))],
])('a record that %s is refused', (reason, value) => {
  expect(() => unpackEvent(value)).toThrow(EnvelopeError);
  expect(() => unpackEvent(value)).toThrow(reason);
});

test('times that are no moments are refused, not passed on', () => {
  const never = { seconds: Number.MAX_SAFE_INTEGER, nanos: 0 };
  expect(() => unpackEvent(Envelope.toBinary(envelope({ eventTime: never })))).toThrow(EnvelopeError);
  const payload = TransactionOpened.toBinary({ expectedImages: 1, deadline: never });
  expect(() => payloadJson({ ...anEvent(), type: TransactionOpened.typeName, payload })).toThrow(EnvelopeError);
});

test('a payload is not read as another type', () => {
  expect(() => payloadOf({ ...anEvent(), type: 'barcode.v1m0.Barcode' }, TextLine)).toThrow(EnvelopeError);
});

function anEvent(): Event {
  return {
    messageId: 'm',
    correlationId: 't',
    client: 'c',
    token: '',
    traceparent: '',
    eventTime: 1,
    type: TextLine.typeName,
    payload: new Uint8Array(),
  };
}

function envelope(changes: Partial<Record<keyof Envelope, unknown>>): Envelope {
  const whole = Envelope.create({
    messageId: 'm',
    correlationId: 't',
    client: 'c',
    eventTime: Timestamp.now(),
    payload: { typeUrl: 'type.googleapis.com/ocr.v1m0.TextLine', value: new Uint8Array() },
  });
  return { ...whole, ...changes } as Envelope;
}
