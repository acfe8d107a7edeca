import { expect, test } from 'vitest';
import { Capacity } from '../../protocol/generated/capacity/v1m0/capacity_pb.js';
import { Timestamp } from '../../protocol/generated/google/protobuf/timestamp_pb.js';
import { type Demand, demandsOf, fullDemand } from './demand.ts';
import { LoadSignal } from './load-signal.ts';

const NOW = 1_800_000_000_000;
const SECOND = 1_000;
const BOUNDS = { maxWaitSeconds: (service: string) => (service === 'push' ? 60 : 10), forgetAfterMs: 60_000 };

interface Report {
  readonly service: string;
  readonly lag: number;
  readonly perSecond: number;
  readonly stalledSeconds?: number;
  readonly time?: number;
  readonly instance?: string;
}
const signalOf = (...reports: Report[]) => {
  const signal = new LoadSignal(BOUNDS);
  for (const report of reports) signal.apply(record(report));
  return signal;
};
function record({ service, lag, perSecond, stalledSeconds = 0, time = NOW, instance = '' }: Report) {
  const at = Timestamp.fromDate(new Date(time));
  const value = Buffer.from(Capacity.toBinary({ service, instance, lag, perSecond, stalledSeconds, time: at }));
  return { key: instance === '' ? service : `${service}/${instance}`, value };
}
const all = (...services: string[]): Demand[] => services.map(fullDemand);

test('a service is congested when what waits for it takes longer than the bound; when it has caught up it is not', () => {
  const signal = signalOf({ service: 'ocr', lag: 150, perSecond: 10 }, { service: 'barcode', lag: 50, perSecond: 10 });
  expect(signal.congestion(all('barcode', 'ocr'), NOW)).toEqual({ service: 'ocr', seconds: 5 });
  expect(signal.congestion(all('barcode'), NOW)).toBeUndefined();
  expect(signal.congestion(all('unheardof'), NOW)).toBeUndefined();
  signal.apply(record({ service: 'ocr', lag: 0, perSecond: 10 }));
  expect(signal.congestion(all('ocr'), NOW)).toBeUndefined();
});

test('what was accepted since the report counts, until the next report', () => {
  const signal = signalOf({ service: 'ocr', lag: 90, perSecond: 10 });
  signal.accepted(all('ocr', 'unheardof'), 20, NOW);
  expect(signal.congestion(all('ocr'), NOW)).toEqual({ service: 'ocr', seconds: 1 });
  signal.apply(record({ service: 'ocr', lag: 95, perSecond: 10 }));
  expect(signal.congestion(all('ocr'), NOW)).toBeUndefined();
});

test('the worst of several is named', () => {
  const signal = signalOf({ service: 'a', lag: 200, perSecond: 10 }, { service: 'b', lag: 400, perSecond: 10 });
  expect(signal.congestion(all('a', 'b'), NOW)).toEqual({ service: 'b', seconds: 30 });
});

test('a service that stands still is judged by how long it has, however fast it was', () => {
  const signal = signalOf(
    { service: 'new', lag: 5, perSecond: 0, stalledSeconds: 12 },
    { service: 'fast', lag: 5, perSecond: 100, stalledSeconds: 13 },
    { service: 'idle', lag: 0, perSecond: 0, stalledSeconds: 12 },
  );
  expect(signal.congestion(all('new'), NOW)).toEqual({ service: 'new', seconds: 2 });
  expect(signal.congestion(all('fast'), NOW)).toEqual({ service: 'fast', seconds: 3 });
  expect(signal.congestion(all('idle'), NOW)).toBeUndefined();
});

test('two versions of a service do not hide each other, and only those that are granted count', () => {
  const signal = signalOf(
    { service: 'ocr', instance: '1.0', lag: 500, perSecond: 10 },
    { service: 'ocr', instance: '2.0', lag: 1, perSecond: 10 },
  );
  expect(signal.congestion(demandsOf({ 'ocr-*': {} }), NOW)).toEqual({ service: 'ocr', seconds: 40 });
  expect(signal.congestion(demandsOf({ 'ocr-1.*': {} }), NOW)).toEqual({ service: 'ocr', seconds: 40 });
  expect(signal.congestion(demandsOf({ 'ocr-2': {} }), NOW)).toBeUndefined();
  expect(signal.services()).toEqual(['ocr']);
});

test('the journal counts for everybody, push only for who has a webhook, each by its own bound', () => {
  const signal = signalOf({ service: 'push', instance: 'node-a', lag: 6_500, perSecond: 100 });
  const webhook = {
    url: 'https://a.example/',
    types: [],
    mode: 'full',
    rate: 0,
    verified: 1,
    secrets: [{ sealed: 's' }],
  };
  expect(signal.congestion(demandsOf({ 'push-1': webhook }), NOW)).toEqual({ service: 'push', seconds: 5 });
  expect(signal.congestion(demandsOf({ 'push-1': {} }), NOW)).toBeUndefined();
  signal.apply(record({ service: 'firehose', instance: 'node-a', lag: 1_100, perSecond: 100 }));
  expect(signal.congestion(demandsOf({}), NOW)).toEqual({ service: 'firehose', seconds: 1 });
});

test('a burst of images says nothing of how far the journal is behind', () => {
  const signal = signalOf({ service: 'firehose', lag: 3, perSecond: 20 });
  signal.accepted(all('firehose'), 10_000, NOW);
  expect(signal.congestion(all('firehose'), NOW)).toBeUndefined();
});

test('what waits for a service that has gone quiet is taken to stand still, from when it began to wait', () => {
  const signal = signalOf({ service: 'ocr', lag: 0, perSecond: 10 });
  const later = NOW + 30 * SECOND;
  expect(signal.congestion(all('ocr'), later)).toBeUndefined();
  signal.accepted(all('ocr'), 1, later);
  expect(signal.congestion(all('ocr'), later + 10 * SECOND)).toBeUndefined();
  expect(signal.congestion(all('ocr'), later + 11 * SECOND)).toEqual({ service: 'ocr', seconds: 1 });
  signal.apply(record({ service: 'ocr', lag: 1, perSecond: 10, time: later + 12 * SECOND }));
  expect(signal.congestion(all('ocr'), later + 12 * SECOND)).toBeUndefined();
});

test('a node that has gone quiet keeps nobody out while another reports', () => {
  const signal = signalOf({ service: 'firehose', instance: 'node-a', lag: 9_000, perSecond: 100 });
  expect(signal.congestion(all('firehose'), NOW)).toBeDefined();
  const later = NOW + 11 * SECOND;
  signal.apply(record({ service: 'firehose', instance: 'node-b', lag: 0, perSecond: 100, time: later }));
  expect(signal.congestion(all('firehose'), later)).toBeUndefined();
});

test('a service that has gone quiet is forgotten after a while; one that is deleted at once', () => {
  const signal = signalOf({ service: 'ocr', lag: 500, perSecond: 10 });
  expect(signal.congestion(all('ocr'), NOW + 60_000)).toBeDefined();
  expect(signal.congestion(all('ocr'), NOW + 60_001)).toBeUndefined();
  signal.apply({ key: 'ocr', value: null });
  expect(signal.services()).toEqual([]);
});

test('reports that count no more are not kept for ever', () => {
  const signal = signalOf({ service: 'ocr', lag: 5, perSecond: 1 });
  signal.apply(record({ service: 'barcode', lag: 0, perSecond: 1, time: NOW + 60_001 }));
  expect(signal.services()).toEqual(['barcode']);
});

test('for a service that has not shown what it can do a first load is accepted, and not without end', () => {
  const signal = signalOf({ service: 'new', lag: 0, perSecond: 0 });
  signal.accepted(all('new'), 200, NOW);
  expect(signal.congestion(all('new'), NOW)).toBeUndefined();
  signal.accepted(all('new'), 1, NOW);
  expect(signal.congestion(all('new'), NOW)).toEqual({ service: 'new', seconds: 1 });
  signal.apply(record({ service: 'new', lag: 201, perSecond: 100 }));
  expect(signal.congestion(all('new'), NOW)).toBeUndefined();
});
