import { expect, test } from 'vitest';
import { Capacity } from '../../protocol/generated/capacity/v1m0/capacity_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { LoadSignal } from './load-signal.ts';

const NOW = 1_800_000_000_000;
const signalOf = (...reports: Parameters<typeof record>[]) => {
  const signal = new LoadSignal({ maxWaitSeconds: 10, forgetAfterMs: 60_000 });
  for (const report of reports) signal.apply(record(...report));
  return signal;
};
function record(service: string, lag: number, perSecond: number, stalledSeconds = 0, time = NOW) {
  const capacity = { service, lag, perSecond, stalledSeconds, time: Timestamp.fromDate(new Date(time)) };
  return { key: service, value: Buffer.from(Capacity.toBinary(capacity)) };
}

test('a service is congested when what waits for it takes longer than the bound; when it has caught up it is not', () => {
  const signal = signalOf(['ocr', 150, 10], ['barcode', 50, 10]);
  expect(signal.congestion(['barcode', 'ocr'], NOW)).toEqual({ service: 'ocr', seconds: 5 });
  expect(signal.congestion(['barcode'], NOW)).toBeUndefined();
  expect(signal.congestion(['unheard-of'], NOW)).toBeUndefined();
  signal.apply(record('ocr', 0, 10));
  expect(signal.congestion(['ocr'], NOW)).toBeUndefined();
});

test('what was accepted since the report counts, until the next report', () => {
  const signal = signalOf(['ocr', 90, 10]);
  signal.accepted(['ocr', 'unheard-of'], 20);
  expect(signal.congestion(['ocr'], NOW)).toEqual({ service: 'ocr', seconds: 1 });
  signal.apply(record('ocr', 95, 10));
  expect(signal.congestion(['ocr'], NOW)).toBeUndefined();
});

test('the worst of several is named', () => {
  const signal = signalOf(['a', 200, 10], ['b', 400, 10]);
  expect(signal.congestion(['a', 'b'], NOW)).toEqual({ service: 'b', seconds: 30 });
});

test('a service that stands still is judged by how long it has, however fast it was', () => {
  const signal = signalOf(['new', 5, 0, 12], ['fast', 5, 100, 13], ['idle', 0, 0, 12]);
  expect(signal.congestion(['new'], NOW)).toEqual({ service: 'new', seconds: 2 });
  expect(signal.congestion(['fast'], NOW)).toEqual({ service: 'fast', seconds: 3 });
  expect(signal.congestion(['idle'], NOW)).toBeUndefined();
});

test('a service that has gone quiet is forgotten after a while; one that is deleted at once', () => {
  const signal = signalOf(['ocr', 500, 10]);
  expect(signal.congestion(['ocr'], NOW + 60_000)).toBeDefined();
  expect(signal.congestion(['ocr'], NOW + 60_001)).toBeUndefined();
  signal.apply({ key: 'ocr', value: null });
  expect(signal.services()).toEqual([]);
});

test('for a service that has not shown what it can do a first load is accepted, and not without end', () => {
  const signal = signalOf(['new', 0, 0]);
  signal.accepted(['new'], 200);
  expect(signal.congestion(['new'], NOW)).toBeUndefined();
  signal.accepted(['new'], 1);
  expect(signal.congestion(['new'], NOW)).toEqual({ service: 'new', seconds: 1 });
  signal.apply(record('new', 201, 100));
  expect(signal.congestion(['new'], NOW)).toBeUndefined();
});
