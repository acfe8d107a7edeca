/**
 * Vision: images through the log, the worker and the inference process, beside a loop that only decodes and infers with the
 * same service and threads; how long an image takes at half of that load; and what memory 10,000 images leave behind.
 */
import type { BenchCase, Suite, Variant } from './suite.ts';
import { openLatency, openRawLatency } from './vision/latency.ts';
import { openMemory } from './vision/memory.ts';
import { openRapidocr } from './vision/rapidocr.ts';
import { openRaw, openThroughput } from './vision/throughput.ts';
import { THREADS } from './vision/work.ts';

/** The same models, nothing stored. */
const RAPIDOCR: Variant = { name: 'rapidocr over HTTP', kind: 'peer', open: openRapidocr };

const throughput = (service: string): BenchCase => ({
  name: `${service}: images through the log`,
  unit: 'images/s',
  better: 'higher',
  rounds: 3,
  goals: [{ subject: 'through the log', against: 'raw loop', atLeast: 0.9 }],
  variants: [
    {
      name: 'through the log',
      kind: 'subject',
      durability: 'images and results fsynced in groups',
      open: (context) => openThroughput(service, context),
    },
    { name: 'raw loop', kind: 'limit', open: (context) => openRaw(service, context) },
    ...(service === 'ocr' ? [RAPIDOCR] : []),
  ],
});

const latency = (service: string): BenchCase => ({
  name: `${service}: latency at half load, p50`,
  unit: 'ms',
  better: 'lower',
  rounds: 3,
  variants: [
    { name: 'through the log', kind: 'subject', open: (context) => openLatency(service, context) },
    { name: 'raw loop, idle', kind: 'limit', open: (context) => openRawLatency(service, context) },
  ],
});

export const suite: Suite = {
  name: 'vision',
  about: `the sample images through one vision service with ${THREADS} threads, on the CPU`,
  cases: [
    ...['faceextract', 'barcode', 'ocr'].map(throughput),
    ...['faceextract', 'barcode', 'ocr'].map(latency),
    {
      name: 'memory after 10,000 images',
      unit: 'MiB more than after 1,000',
      better: 'lower',
      rounds: 1,
      variants: [{ name: 'worker and inference process', kind: 'subject', open: openMemory }],
    },
  ],
};
