import { Histogram, Registry } from 'prom-client';
import { expect, test } from 'vitest';
import { parseMetrics, quantile, rate, sum } from './prometheus.js';
import { topologyOf } from './topology.js';

test('what prom-client writes is read back, odd label values too', async () => {
  const registry = new Registry();
  const seconds = new Histogram({ name: 's', help: 'h', labelNames: ['r'], buckets: [1, 2, 4], registers: [registry] });
  for (const value of [0.5, 1.5, 1.5, 3]) seconds.observe({ r: 'a"b\\c' }, value);
  const look = { time: 0, samples: parseMetrics(await registry.metrics()) };
  expect(sum(look.samples, 's_count', { r: 'a"b\\c' })).toBe(4);
  expect(sum(look.samples, 's_count', { r: 'other' })).toBeUndefined();
  expect(quantile(undefined, look, 's', 0.5)).toBeCloseTo(1.5);
  expect(quantile(undefined, look, 's', 1)).toBe(4);
});

test('rates and quantiles are of the time between two looks, and survive a restart of the server', () => {
  const at = (/** @type {number} */ time, /** @type {number} */ count, /** @type {number} */ fast) => ({
    time,
    samples: parseMetrics(`n ${count}\ns_bucket{le="1"} ${fast}\ns_bucket{le="+Inf"} ${count}`),
  });
  expect(rate(at(0, 10, 10), at(2000, 30, 10), 'n')).toBe(10);
  expect(rate(at(0, 10, 10), at(2000, 4, 4), 'n')).toBe(2);
  expect(rate(undefined, at(0, 1, 1), 'n')).toBeUndefined();
  expect(quantile(at(0, 10, 10), at(2000, 30, 30), 's', 0.5)).toBe(0.5);
  expect(quantile(at(0, 10, 10), at(2000, 10, 10), 's', 0.5)).toBeUndefined();
});

test('the topology is what the log says is connected', () => {
  const now = {
    time: 0,
    samples: parseMetrics(`
sluice_log_produced_records_total{role="gateway",topic="ingest-1"} 1
sluice_log_produced_records_total{role="gateway",topic="results-1"} 1
sluice_log_produced_records_total{role="vision",topic="results-1"} 5
sluice_consumer_lag_records{role="vision",group="vision-ocr-1.0",topic="ingest-1",partition="0"} 0
sluice_consumer_lag_records{role="summary",group="summary",topic="results-1",partition="0"} 0
sluice_firehose_journaled_messages_total 6`),
  };
  const { nodes, edges } = topologyOf(undefined, now);
  expect(edges.map(({ from, to }) => `${from}>${to}`).sort()).toEqual(
    [
      'gateway>ingest-1',
      'gateway>results-1',
      'ingest-1>vision-ocr-1.0',
      'results-1>firehose',
      'results-1>summary',
      'vision-ocr-1.0>results-1',
      'vision>results-1',
    ].sort(),
  );
  expect(nodes.map(({ name, column }) => `${name}@${column}`)).toEqual(
    expect.arrayContaining(['gateway@0', 'ingest-1@1', 'vision-ocr-1.0@2', 'results-1@3', 'firehose@4', 'summary@4']),
  );
});
