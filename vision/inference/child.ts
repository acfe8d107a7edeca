/**
 * The inference child: opens one vision service and answers with what it sees in each image.
 *
 * Images are decoded as they arrive, in libvips' threads, while those before are analysed. Their analyses begin in the
 * order of arrival: one after the other on a CPU, several side by side on a GPU, so that their samples can run together.
 * It ends when its parent does.
 */
import { writeFileSync } from 'node:fs';
import sharp from 'sharp';
import { readManifestSource } from '../models/manifest.ts';
import { loadService } from '../services/registry.ts';
import type { Analyser, ServiceConfig } from '../services/service.ts';
import { type DecodedImage, type DecodeLimits, decodeImage, restrictLoaders } from './decode.ts';
import { toWire } from './errors.ts';
import type { AnalysisMessage, FromChild, ToChild } from './messages.ts';
import type { BatchCounts } from './model-session.ts';
import { Places } from './places.ts';
import { rounded } from './precision.ts';

/** A GPU computes several samples in hardly more time than one. On a CPU a second image would only delay the first. */
const ANALYSES_ON_GPU = 8;
/** When the machine runs out of memory the kernel shall end this process before any other of Sluice's. */
const OOM_SCORE = 500;

let analyser: Analyser | undefined;
let limits: DecodeLimits;
let places = new Places(1);
/** What has been told of the batches. */
let told: BatchCounts = { runs: 0, samples: 0 };

offerToOomKiller();

process.on('message', (message: ToChild) => {
  if (message.kind === 'open') void open(message);
  else void answer(message.id, message.bytes, message.config);
});
process.on('disconnect', () => process.exit(0));
// The parent decides when to stop: a Ctrl-C reaches the whole process group, and what is in flight shall finish.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});

async function open(message: Extract<ToChild, { kind: 'open' }>): Promise<void> {
  try {
    restrictLoaders();
    // Nothing is decoded twice, so libvips' cache would only hold memory.
    sharp.cache(false);
    sharp.concurrency(message.threads);
    limits = message.limits;
    const service = await loadService(message.service);
    analyser = await service.open({
      threads: message.threads,
      providers: message.providers,
      manifest:
        message.manifest === undefined
          ? await readManifestSource(service.folder)
          : { ...message.manifest, folder: new URL(message.manifest.folder) },
      ...(message.batching !== undefined && { batching: message.batching }),
      notice: (text) => send({ kind: 'notice', message: text }),
    });
    told = analyser.counts?.() ?? told;
    const onGpu = analyser.models.some(({ provider }) => provider === 'cuda');
    const analyses = message.analyses || (onGpu ? ANALYSES_ON_GPU : 1);
    places = new Places(analyses);
    send({ kind: 'ready', models: analyser.models, analyses });
  } catch (error) {
    send({ kind: 'unopened', error: toWire(error) });
  }
}

async function answer(id: number, bytes: Uint8Array, config: ServiceConfig): Promise<void> {
  const started = performance.now();
  const decoding = decodeImage(bytes, limits);
  // A failure is seen when its turn comes; without this Node would call it unhandled until then.
  decoding.catch(() => {});
  await places.take();
  try {
    send({ kind: 'analysed', id, analysis: await analyse(decoding, config, started) });
  } catch (error) {
    send({ kind: 'failed', id, error: toWire(error) });
  } finally {
    places.free();
  }
}

async function analyse(
  decoding: Promise<DecodedImage>,
  config: ServiceConfig,
  started: number,
): Promise<AnalysisMessage> {
  if (analyser === undefined) throw new Error('asked to analyse before the service was opened');
  const image = await decoding;
  const results = (await analyser.analyse(image, config)).map(rounded);
  const { width, height } = image;
  return { results, durationMs: performance.now() - started, width, height, batches: batchesSinceTold() };
}

function batchesSinceTold(): BatchCounts {
  const now = analyser?.counts?.() ?? told;
  const batches = { runs: now.runs - told.runs, samples: now.samples - told.samples };
  told = now;
  return batches;
}

/** Linux alone has this, and a container may forbid it: then the largest process is ended, which is mostly this one. */
function offerToOomKiller(): void {
  try {
    writeFileSync('/proc/self/oom_score_adj', String(OOM_SCORE));
  } catch {}
}

function send(message: FromChild): void {
  process.send?.(message, undefined, undefined, (error) => {
    // The parent is gone, or the answer cannot be cloned: in both cases this process has no further use.
    if (error) process.exit(1);
  });
}
