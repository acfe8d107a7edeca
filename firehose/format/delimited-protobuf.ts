/**
 * Length-delimited protobuf: each `firehose.v1m0.Frame` is preceded by its length as a varint, as parseDelimitedFrom and
 * its likes read it. Payloads are the types' own binary encoding within an Any.
 */
import type { Bookmark, ControlFrame, Hello, Message as MessageFrame } from '../../protocol/frames.ts';
import { Frame, type Message } from '../../protocol/generated/firehose/v1m0/firehose_pb.js';
import type { Any } from '../../protocol/generated/google/protobuf/any_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { eventType } from '../../protocol/registry.ts';
import type { Format } from './format.ts';
import { eachFrame } from './message-frames.ts';

const TYPE_URL_PREFIX = 'type.googleapis.com/';

export const delimitedProtobuf: Format = {
  mediaType: 'application/x-protobuf; messageType="firehose.v1m0.Frame"; delimited=true',
  messages(frames) {
    const parts: Uint8Array[] = [];
    for (const frame of eachFrame(frames)) {
      parts.push(...delimited({ oneofKind: 'message', message: messageOf(JSON.parse(frame.toString())) }));
    }
    return Buffer.concat(parts);
  },
  control: (frame) => Buffer.concat(delimited(controlOf(frame))),
};

function delimited(frame: Frame['frame']): [Uint8Array, Uint8Array] {
  const bytes = Frame.toBinary({ frame });
  return [varint(bytes.length), bytes];
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  return Uint8Array.from([...bytes, rest]);
}

function messageOf({ offset, prev, time, type, transaction, id, payload }: MessageFrame): Message {
  return { offset, prev, time: Timestamp.fromDate(new Date(time)), transaction, id, payload: anyOf(type, payload) };
}

function anyOf(typeName: string, payload: MessageFrame['payload']): Any {
  const type = eventType(typeName);
  // A type that this release does not know lies in the journal as its encoding in base64 (protocol/envelope.ts).
  const value = type === undefined ? Buffer.from(payload.value, 'base64') : type.toBinary(type.fromJson(payload));
  return { typeUrl: TYPE_URL_PREFIX + typeName, value };
}

function controlOf(frame: ControlFrame): Frame['frame'] {
  switch (frame.kind) {
    case 'hello':
      return { oneofKind: 'hello', hello: helloOf(frame) };
    case 'bookmark':
      return { oneofKind: 'bookmark', bookmark: bookmarkOf(frame) };
    case 'caught_up':
      return { oneofKind: 'caughtUp', caughtUp: { offset: frame.offset } };
    case 'control':
      return { oneofKind: 'control', control: { applied: frame.applied, offset: frame.offset } };
    case 'goodbye': {
      const { kind: _, retry_after_ms: retryAfterMs, detail = '', ...rest } = frame;
      return { oneofKind: 'goodbye', goodbye: { ...rest, detail, retryAfterMs } };
    }
  }
}

function helloOf({ rate, earliest, gap, hash, consumer = '', heartbeat_ms: heartbeatMs, ...hello }: Hello) {
  return {
    stream: hello.stream,
    epoch: hello.epoch,
    offset: hello.offset,
    latest: hello.latest,
    heartbeatMs,
    hash: hash ?? '',
    consumer,
    rate: {
      ...(rate.messages !== null && { messages: rate.messages }),
      ...(rate.bytes !== null && { bytes: rate.bytes }),
    },
    ...(earliest !== null && { earliest }),
    ...(gap !== undefined && { gap: { ...gap } }),
  };
}

function bookmarkOf({ kind: _, hash, retention_expires_in_ms, catch_up_ms, ...bookmark }: Bookmark) {
  return {
    ...bookmark,
    hash: hash ?? '',
    ...(retention_expires_in_ms !== null && { retentionExpiresInMs: retention_expires_in_ms }),
    ...(catch_up_ms !== null && { catchUpMs: catch_up_ms }),
  };
}
