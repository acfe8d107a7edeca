import { expect, test } from 'vitest';
import type { ControlFrame } from '../../protocol/frames.ts';
import { Frame } from '../../protocol/generated/firehose/v1m0/firehose_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { entryOfEvent } from '../journaler/entry-of-record.ts';
import { delimitedProtobuf } from './delimited-protobuf.ts';
import { eventStream } from './event-stream.ts';

const line = TextLine.create({ imageId: 'i', text: 'two\nlines – “quoted”', confidence: 0.9, label: 'text' });
const frameOf = (offset: number, type: string, payload: object) =>
  entryOfEvent(
    offset,
    {
      client: 'c',
      correlationId: 't',
      messageId: 'm',
      eventTime: 1_700_000_000_123,
      type,
      token: '',
      traceparent: '',
      payload: new Uint8Array(),
    },
    payload as never,
  ).frame(offset - 5);
const frames = Buffer.concat([
  frameOf(12, 'ocr.v1m0.TextLine', TextLine.toJson(line) as object),
  frameOf(345_678, 'later.v9m9.Unknown', { '@type': 'type.googleapis.com/later.v9m9.Unknown', value: 'AQID' }),
]);
const goodbye: ControlFrame = {
  kind: 'goodbye',
  reason: 'draining',
  terminal: false,
  epoch: 'e1',
  offset: 12,
  retry_after_ms: 700,
};

test('server-sent events carry the frame and an id to resume from', () => {
  const text = eventStream('e1').messages(frames).toString();
  const events = text.split('\n\n').filter((event) => event !== '');
  expect(events.map((event) => event.split('\n')[0])).toEqual(['id: e1:12', 'id: e1:345678']);
  expect(JSON.parse(events[0]!.split('\n')[1]!.slice('data: '.length))).toMatchObject({ offset: 12, prev: 7 });
});

test('other frames are named events, and goodbye says when to come back', () => {
  const event = eventStream('e1').control(goodbye).toString();
  expect(event).toMatch(/^event: goodbye\nretry: 700\nid: e1:12\ndata: \{.*\}\n\n$/);
});

test('delimited protobuf decodes to the same message, and a type unknown here keeps its bytes', () => {
  const [first, second] = [...delimited(delimitedProtobuf.messages(frames))];
  expect(first).toMatchObject({
    oneofKind: 'message',
    message: {
      offset: 12,
      prev: 7,
      transaction: 't',
      id: 'm',
      payload: { typeUrl: 'type.googleapis.com/ocr.v1m0.TextLine' },
    },
  });
  const { payload } = (first as { message: { payload: { value: Uint8Array } } }).message;
  expect(TextLine.fromBinary(payload.value)).toMatchObject({ text: line.text, confidence: 0.9 });
  const unknown = (second as { message: { payload: { value: Uint8Array } } }).message.payload;
  expect([...unknown.value]).toEqual([1, 2, 3]);
  const [last] = [...delimited(delimitedProtobuf.control(goodbye))];
  expect(last).toMatchObject({ oneofKind: 'goodbye', goodbye: { reason: 'draining', retryAfterMs: 700 } });
});

function* delimited(bytes: Buffer): Generator<Frame['frame']> {
  for (let at = 0; at < bytes.length; ) {
    let length = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++]!;
      length |= (byte & 0x7f) << shift;
      if (byte < 0x80) break;
    }
    yield Frame.fromBinary(bytes.subarray(at, at + length)).frame;
    at += length;
  }
}
