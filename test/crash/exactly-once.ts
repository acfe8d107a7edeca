/** What a client must find on its firehose after any crash: everything that was accepted, once. */
import { expect } from 'vitest';
import type { Message } from '../../protocol/frames.ts';
import { brokenLink } from '../harness/firehose-reader.ts';

const SERVICES = ['barcode', 'faceextract', 'ocr'];

/** Whether every accepted image has been described by every service and is in a summary. */
export function isComplete(messages: readonly Message[], accepted: ReadonlySet<string>): boolean {
  const latest = messages.filter(({ type }) => type === 'summary.v1m0.TransactionSummary');
  const covered = new Set(
    latest.flatMap(({ payload }) => payload.images.map(({ imageId }: { imageId: string }) => imageId)),
  );
  const completed = messages.filter(({ type }) => type === 'completion.v1m0.ServiceCompleted').length;
  return completed >= accepted.size * SERVICES.length && accepted.isSubsetOf(covered);
}

/** Fails unless the stream is unbroken and tells of every accepted image once: taken in, described by each service, with all its results. */
export function expectExactlyOnce(messages: readonly Message[], accepted: ReadonlySet<string>): void {
  expect(brokenLink(messages)).toBeUndefined();
  expect(new Set(messages.map(({ id }) => id)).size).toBe(messages.length);
  const of = (type: string) => messages.filter((message) => message.type === type);
  const acceptances = of('ingest.v1m0.ImageAccepted').map(({ payload }) => payload.imageId);
  expect(acceptances.length).toBe(new Set(acceptances).size);
  expect(accepted.isSubsetOf(new Set(acceptances))).toBe(true);
  expect(of('completion.v1m0.ServiceFailed')).toEqual([]);
  const completions = of('completion.v1m0.ServiceCompleted');
  const results = messages.filter(({ type }) => /^(faceextract|ocr|barcode)\./.test(type));
  for (const image of accepted) {
    const ours = completions.filter(({ payload }) => payload.imageId === image);
    expect(ours.map(({ payload }) => payload.service).sort()).toEqual(SERVICES);
    for (const { payload } of ours) {
      const found = results.filter(
        (result) => result.type.startsWith(`${payload.service}.`) && result.payload.imageId === image,
      );
      expect(found.map((result) => result.payload.index)).toEqual(Array.from({ length: payload.results }, (_, n) => n));
    }
  }
}
