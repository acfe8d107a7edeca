/**
 * What a record of results-1 becomes in the journal: the message in the exact bytes of the default HTTP format, and what
 * filters ask about it.
 */
import type { JsonObject, JsonValue } from '@protobuf-ts/runtime';
import type { NewEntry } from '../../journal/entry.ts';
import { TokenError } from '../../protocol/claims/token.ts';
import { EnvelopeError, type Event, payloadJson, unpackEvent } from '../../protocol/envelope.ts';
import type { LogRecord } from '../../protocol/log/log.ts';

/** Tells whose token it is. @throws {TokenError} not a token of ours */
export type ClientOfToken = (token: string) => Promise<string> | string;

/** An entry, and the trace that it belongs to. */
export interface TracedEntry extends NewEntry {
  readonly traceparent: string;
}

/** The record can never be journaled: it is set aside. */
export class PoisonedRecord extends Error {
  override readonly name = 'PoisonedRecord';
}

/**
 * @throws {PoisonedRecord} not an envelope, or one that its token does not vouch for
 */
export async function entryOfRecord(record: LogRecord, clientOfToken: ClientOfToken): Promise<TracedEntry> {
  const event = readEvent(record);
  if (event.client !== record.key) {
    throw new PoisonedRecord(`the envelope speaks of client '${event.client}', the record's key of '${record.key}'`);
  }
  await checkToken(event, clientOfToken);
  return entryOfEvent(record.offset, event, readPayload(event));
}

/** @param payload in protobuf's canonical JSON mapping */
export function entryOfEvent(offset: number, event: Event, payload: JsonValue): TracedEntry {
  const { label, confidence } = isObject(payload) ? payload : {};
  return {
    traceparent: event.traceparent,
    client: event.client,
    offset,
    time: event.eventTime,
    messageId: event.messageId,
    type: event.type,
    transaction: event.correlationId,
    labels: typeof label === 'string' && label !== '' ? [label] : [],
    confidence: typeof confidence === 'number' ? confidence : null,
    frame: messageFrame(offset, event, JSON.stringify(payload)),
  };
}

function messageFrame(offset: number, event: Event, payload: string): (prev: number) => Uint8Array {
  const time = new Date(event.eventTime).toISOString();
  const rest =
    `,"time":"${time}","type":${JSON.stringify(event.type)},"transaction":${JSON.stringify(event.correlationId)}` +
    `,"id":${JSON.stringify(event.messageId)},"payload":${payload}}\n`;
  return (prev) => Buffer.from(`{"kind":"message","offset":${offset},"prev":${prev}${rest}`);
}

function readEvent(record: LogRecord): Event {
  try {
    return unpackEvent(record.value);
  } catch (error) {
    throw poison(error);
  }
}

function readPayload(event: Event): JsonValue {
  try {
    return payloadJson(event);
  } catch (error) {
    throw poison(error);
  }
}

async function checkToken(event: Event, clientOfToken: ClientOfToken): Promise<void> {
  const client = await ownerOf(event.token, clientOfToken);
  if (client !== event.client) {
    throw new PoisonedRecord(`a message of client '${event.client}' carries a token of '${client}'`);
  }
}

async function ownerOf(token: string, clientOfToken: ClientOfToken): Promise<string> {
  try {
    return await clientOfToken(token);
  } catch (error) {
    throw error instanceof TokenError ? new PoisonedRecord(error.message, { cause: error }) : error;
  }
}

function poison(error: unknown): unknown {
  return error instanceof EnvelopeError ? new PoisonedRecord(error.message, { cause: error }) : error;
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
