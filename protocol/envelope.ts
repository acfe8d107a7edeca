/** Packing and unpacking of envelopes: the one form in which events lie on the log. */
import type { JsonValue, MessageType } from '@protobuf-ts/runtime';
import { Envelope } from './generated/envelope/v1m0/envelope_pb.js';
import type { Any } from './generated/google/protobuf/any_pb.js';
import { Timestamp } from './generated/google/protobuf/timestamp_pb.js';
import { eventType } from './registry.ts';

const TYPE_URL_PREFIX = 'type.googleapis.com/';

/** What stays the same for every event that one submission causes. */
export interface EventContext {
  /** The transaction. */
  readonly correlationId: string;
  readonly client: string;
  readonly token: string;
  readonly traceparent: string;
}

export interface Event extends EventContext {
  readonly messageId: string;
  /** Milliseconds since the epoch. */
  readonly eventTime: number;
  /** Full name of the payload's protobuf type, such as "ocr.v1m0.TextLine". */
  readonly type: string;
  /** The payload's protobuf encoding. */
  readonly payload: Uint8Array;
}

/** A record's value is not an envelope with a payload. Such a record is poisoned: repeating will not help. */
export class EnvelopeError extends Error {
  override readonly name = 'EnvelopeError';
}

export function packEvent<T extends object>(
  context: EventContext,
  event: { readonly messageId: string; readonly eventTime: number; readonly type: MessageType<T>; readonly message: T },
): Uint8Array {
  return Envelope.toBinary({
    messageId: event.messageId,
    correlationId: context.correlationId,
    client: context.client,
    token: context.token,
    traceparent: context.traceparent,
    eventTime: Timestamp.fromDate(new Date(event.eventTime)),
    payload: { typeUrl: TYPE_URL_PREFIX + event.type.typeName, value: event.type.toBinary(event.message) },
  });
}

/** @throws {EnvelopeError} */
export function unpackEvent(value: Uint8Array | null): Event {
  if (value === null) throw new EnvelopeError('the record has no value');
  const envelope = decodeEnvelope(value);
  const { payload, eventTime, messageId, client, correlationId } = envelope;
  if (payload === undefined) throw new EnvelopeError('the envelope has no payload');
  if (eventTime === undefined) throw new EnvelopeError('the envelope has no event time');
  if (messageId === '' || client === '' || correlationId === '')
    throw new EnvelopeError('the envelope lacks its message id, client or correlation id');
  return {
    messageId,
    client,
    correlationId,
    token: envelope.token,
    traceparent: envelope.traceparent,
    eventTime: millisecondsOf(eventTime),
    type: typeNameOf(payload),
    payload: payload.value,
  };
}

/** @throws {EnvelopeError} the payload is not of the given type or does not decode */
export function payloadOf<T extends object>(event: Event, type: MessageType<T>): T {
  if (event.type !== type.typeName) throw new EnvelopeError(`expected a ${type.typeName}, got a ${event.type}`);
  try {
    return type.fromBinary(event.payload);
  } catch (cause) {
    throw new EnvelopeError(`the ${event.type} does not decode`, { cause });
  }
}

/**
 * The payload in protobuf's canonical JSON mapping. A type that this release does not know is given as
 * `{"@type": …, "value": <base64 of the encoding>}`, so that a client that knows it loses nothing.
 *
 * @throws {EnvelopeError} the type is known and the payload does not decode or has no JSON form
 */
export function payloadJson(event: Event): JsonValue {
  const type = eventType(event.type);
  if (type === undefined)
    return { '@type': TYPE_URL_PREFIX + event.type, value: Buffer.from(event.payload).toString('base64') };
  const message = payloadOf(event, type);
  try {
    return type.toJson(message, { emitDefaultValues: true });
  } catch (cause) {
    // Values that have an encoding but no JSON form: a timestamp in the year 12000.
    throw new EnvelopeError(`the ${event.type} has no JSON form`, { cause });
  }
}

function decodeEnvelope(value: Uint8Array): Envelope {
  try {
    return Envelope.fromBinary(value);
  } catch (cause) {
    throw new EnvelopeError('the record is not an envelope', { cause });
  }
}

function millisecondsOf(time: Timestamp): number {
  const milliseconds = Timestamp.toDate(time).getTime();
  if (Number.isNaN(milliseconds)) throw new EnvelopeError('the event time is no moment');
  return milliseconds;
}

function typeNameOf(payload: Any): string {
  return payload.typeUrl.slice(payload.typeUrl.lastIndexOf('/') + 1);
}
