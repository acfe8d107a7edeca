/** fast-check generators of the facts of transactions, for the tests of this folder: small worlds in which things coincide. */

import type { MessageType } from '@protobuf-ts/runtime';
import fc from 'fast-check';
import { Barcode } from '../../../protocol/generated/barcode/v1m0/barcode_pb.js';
import { ServiceCompleted, ServiceFailed } from '../../../protocol/generated/completion/v1m0/completion_pb.js';
import { ExtractedFace } from '../../../protocol/generated/faceextract/v1m0/faceextract_pb.js';
import { Timestamp } from '../../../protocol/generated/google/protobuf/timestamp_pb.js';
import {
  ImageAccepted,
  TransactionClosed,
  TransactionOpened,
} from '../../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { derivedMessageId, newMessageId } from '../../../protocol/message-id.ts';
import { type Fact, saidBy } from '../fact.ts';

export const SERVICES = ['barcode', 'faceextract', 'ocr'] as const;
export const START = Date.UTC(2026, 10, 21);

export interface FactOptions {
  readonly client?: string;
  readonly transaction?: string;
  /** Milliseconds after START. */
  readonly at?: number;
  readonly messageId?: string;
  readonly granted?: boolean;
}

let counter = 0;

/** A fact as the log would give it. */
export function factOf<T extends object>(type: MessageType<T>, message: T, options: FactOptions = {}): Fact {
  counter += 1;
  const time = START + (options.at ?? 0);
  const event = {
    messageId: options.messageId ?? newMessageId(time),
    client: options.client ?? 'alice',
    correlationId: options.transaction ?? 't',
    token: `token ${counter}`,
    traceparent: '',
    eventTime: time,
    type: type.typeName,
    payload: type.toBinary(message),
  };
  return { event, time, granted: options.granted ?? true, said: saidBy(event) };
}

export function imageId(n: number): string {
  return derivedMessageId(newMessageId(START, Buffer.alloc(10)), 'image', n);
}

const place = fc.constantFrom(0, 5, 200).map((x) => ({ x, y: 10, width: 100, height: 40 }));
const confidence = fc.constantFrom(0.5, 0.75, 0.9, 1);

const face = fc.record({ box: place, confidence }).map((it) => (image: string, index: number) => ({
  type: ExtractedFace,
  message: ExtractedFace.create({ ...it, imageId: image, index }),
}));
const line = fc
  .record({ text: fc.constantFrom('AR4829175306', 'AR4829175308', 'ar4829175306', 'Ada Marie'), confidence, place })
  .map(({ place: { x, y, width, height }, ...it }) => (image: string, index: number) => ({
    type: TextLine,
    message: TextLine.create({
      ...it,
      imageId: image,
      index,
      quadrilateral: {
        topLeft: { x, y },
        topRight: { x: x + width, y },
        bottomRight: { x: x + width, y: y + height },
        bottomLeft: { x, y: y + height },
      },
    }),
  }));
const code = fc
  .record({ text: fc.constantFrom('AR4829175306', 'https://example.org/AR4829175306'), confidence: fc.constant(1) })
  .map((it) => (image: string, index: number) => ({
    type: Barcode,
    message: Barcode.create({ ...it, label: 'QRCode', imageId: image, index, raw: Buffer.from(it.text) }),
  }));
const RESULTS = { barcode: code, faceextract: face, ocr: line } as const;

/** What one service says about one image: its results and its marker. */
function serviceFacts(service: (typeof SERVICES)[number], image: string, options: FactOptions): fc.Arbitrary<Fact[]> {
  const id = (...parts: (string | number)[]) => ({ ...options, messageId: derivedMessageId(image, service, ...parts) });
  const completed = fc
    .record({
      makers: fc.array(RESULTS[service] as typeof line, { maxLength: 3 }),
      ms: fc.integer({ min: 1, max: 3000 }),
    })
    .map(({ makers, ms }) => {
      const results = makers.map((make, index) => {
        const { type, message } = make(image, index);
        return factOf(type, message, id(index));
      });
      const marker = ServiceCompleted.create({
        imageId: image,
        service,
        version: '1.0',
        results: results.length,
        duration: { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 },
      });
      return [...results, factOf(ServiceCompleted, marker, id('completed'))];
    });
  const failed = fc
    .constantFrom('/problems/invalid-image', '/problems/analysis-failed')
    .map((type) => [
      factOf(ServiceFailed, ServiceFailed.create({ imageId: image, service, version: '1.0', type }), id('failed')),
    ]);
  return fc.oneof({ weight: 4, arbitrary: completed }, { weight: 1, arbitrary: failed });
}

/** All facts of one transaction in the order in which they happened, summary granted. */
export function transactionFacts(options: FactOptions = {}): fc.Arbitrary<Fact[]> {
  return fc
    .record({
      images: fc.array(fc.subarray([...SERVICES]), { minLength: 1, maxLength: 4 }),
      opened: fc.option(fc.record({ announced: fc.boolean(), deadline: fc.option(fc.integer({ min: 1, max: 5000 })) })),
      closed: fc.boolean(),
    })
    .chain(({ images, opened, closed }) => {
      const perImage = images.map((services, n) =>
        imageFacts(n, services, { ...options, at: (options.at ?? 0) + n * 1000 }),
      );
      return fc.tuple(...perImage).map((all) => {
        const facts = all.flat();
        if (opened !== null) {
          const { announced, deadline } = opened;
          const message = TransactionOpened.create({
            expectedImages: announced ? images.length : 0,
            ...(deadline === null ? {} : { deadline: Timestamp.fromDate(new Date(START + deadline)) }),
          });
          facts.unshift(factOf(TransactionOpened, message, options));
        }
        // Opened without a number, a transaction is complete only when it is closed.
        if (closed || (opened !== null && !opened.announced))
          facts.push(factOf(TransactionClosed, { expectedImages: images.length }, { ...options, at: 9000 }));
        return facts;
      });
    });
}

function imageFacts(
  n: number,
  services: readonly (typeof SERVICES)[number][],
  options: FactOptions,
): fc.Arbitrary<Fact[]> {
  const image = imageId(n);
  const accepted = ImageAccepted.create({
    imageId: image,
    width: 640,
    height: 480,
    size: 1000 + n,
    name: `${n}.png`,
    services: [...services],
  });
  const facts = services.map((service, k) =>
    serviceFacts(service, image, { ...options, at: (options.at ?? 0) + 100 + k }),
  );
  return fc
    .tuple(...facts)
    .map((said) => [
      factOf(ImageAccepted, accepted, { ...options, messageId: derivedMessageId(image, 'accepted') }),
      ...said.flat(),
    ]);
}

/** The same facts in any order, some of them more than once. */
export function disordered(facts: readonly Fact[]): fc.Arbitrary<Fact[]> {
  return fc
    .array(fc.constantFrom(...facts), { maxLength: facts.length })
    .chain((again) => fc.shuffledSubarray([...facts, ...again], { minLength: facts.length + again.length }));
}
