/**
 * The inference child: opens one vision service and answers with what it sees in each image.
 *
 * Images are decoded as they arrive, in libvips' threads, while the one before is analysed; they are analysed one
 * after the other in the order of arrival. It ends when its parent does.
 */
import sharp from 'sharp';
import { loadService } from '../services/registry.ts';
import type { Analyser, ServiceConfig } from '../services/service.ts';
import { type DecodedImage, type DecodeLimits, decodeImage, restrictLoaders } from './decode.ts';
import { toWire } from './errors.ts';
import type { AnalysisMessage, FromChild, ToChild } from './messages.ts';
import { rounded } from './precision.ts';

let analyser: Analyser | undefined;
let limits: DecodeLimits;
/** Settles when the image before has been analysed. */
let turn: Promise<unknown> = Promise.resolve();

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
      notice: (text) => send({ kind: 'notice', message: text }),
    });
    send({ kind: 'ready', models: analyser.models });
  } catch (error) {
    send({ kind: 'unopened', error: toWire(error) });
  }
}

async function answer(id: number, bytes: Uint8Array, config: ServiceConfig): Promise<void> {
  const started = performance.now();
  const decoding = decodeImage(bytes, limits);
  // A failure is seen when its turn comes; without this Node would call it unhandled until then.
  decoding.catch(() => {});
  const analysis = turn.then(() => analyse(decoding, config, started));
  turn = analysis.catch(() => {});
  try {
    send({ kind: 'analysed', id, analysis: await analysis });
  } catch (error) {
    send({ kind: 'failed', id, error: toWire(error) });
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
  return { results, durationMs: performance.now() - started, width: image.width, height: image.height };
}

function send(message: FromChild): void {
  process.send?.(message, undefined, undefined, (error) => {
    // The parent is gone, or the answer cannot be cloned: in both cases this process has no further use.
    if (error) process.exit(1);
  });
}
