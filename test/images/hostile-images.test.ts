/**
 * Images of every form and images that are damaged, all the way: each is taken in and decoded, or refused with a problem that
 * says why, and neither the gateway nor the process that decodes goes down or hangs over one.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type GatewayFixture, openGateway } from '../../gateway/testing/gateway-fixture.ts';
import { producingLog } from '../../gateway/testing/produced.ts';
import { InferenceError } from '../../vision/inference/errors.ts';
import { type InferenceProcess, startInferenceProcess } from '../../vision/inference/inference-process.ts';

const PNGSUITE = new URL('./pngsuite/', import.meta.url);
const SAMPLES = new URL('../../vision/samples/', import.meta.url);
const SEED = 20_261_121;
/** Of each sample: so many cut off, so many with turned bits. */
const VARIANTS = 8;
/** Nothing here is large: whatever takes longer than this hangs. */
const MOST_MS = 20_000;

type Outcome = 'decoded' | 'refused at the gateway' | 'refused when decoded';

let gateway: GatewayFixture;
let token: string;
let inference: InferenceProcess;

beforeAll(async () => {
  gateway = await openGateway(producingLog(), { requestsPerSecondPerClient: 100_000 });
  token = await gateway.token('mallory');
  inference = startInferenceProcess({ service: 'barcode', threads: 1 });
  await inference.ready();
});
afterAll(async () => {
  await gateway.close();
  await inference.close();
});

async function send(content: Buffer): Promise<Outcome> {
  const response = await gateway.server.inject({
    method: 'POST',
    url: '/v1/transactions/t/images',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/octet-stream' },
    body: content,
  });
  if (response.statusCode !== 202) {
    expect(response.json()).toMatchObject({
      type: expect.stringMatching(/^\/problems\/(invalid-image|image-too-large)$/),
      errors: [{ field: 'body', detail: expect.stringMatching(/.{10}/) }],
    });
    return 'refused at the gateway';
  }
  try {
    await inference.analyse(content, {}, { timeoutMs: MOST_MS });
    return 'decoded';
  } catch (error) {
    expect(error).toBeInstanceOf(InferenceError);
    expect((error as InferenceError).code).toMatch(/^image-(undecodable|too-large)$/);
    expect((error as InferenceError).message).toMatch(/.{10}/);
    return 'refused when decoded';
  }
}

/** mulberry32: the same seed gives the same damage. */
function seeded(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

test('PngSuite: what is right is decoded, what is broken on purpose is refused', { timeout: 120_000 }, async () => {
  const files = readdirSync(PNGSUITE).filter((name) => name.endsWith('.png'));
  expect(files.length).toBeGreaterThan(150);
  const wrong: string[] = [];
  for (const file of files) {
    const outcome = await send(readFileSync(new URL(file, PNGSUITE)));
    if ((outcome === 'decoded') === file.startsWith('x')) wrong.push(`${file}: ${outcome}`);
  }
  expect(wrong).toEqual([]);
});

test(`samples cut off and with bits turned over (seed ${SEED}): each has an outcome, and nothing goes down`, {
  timeout: 240_000,
}, async () => {
  const { pid } = inference.status();
  const random = seeded(SEED);
  const outcomes = new Map<Outcome, number>();
  for (const file of readdirSync(SAMPLES).filter((name) => /\.(jpg|png)$/.test(name))) {
    const sample = readFileSync(new URL(file, SAMPLES));
    for (let n = 0; n < VARIANTS; n++) {
      const turned = Buffer.from(sample);
      for (let bits = 1 + random(8); bits > 0; bits--) turned[random(turned.length)]! ^= 1 << random(8);
      // Half of the cuts lie in the headers, where parsers are.
      const cut = sample.subarray(0, 1 + random(n % 2 === 0 ? 2_000 : sample.length));
      for (const damaged of [cut, turned]) {
        const outcome = await send(damaged);
        outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
      }
    }
    // What is whole still is.
    expect(await send(sample), file).toBe('decoded');
  }
  expect([...outcomes.keys()].sort()).toEqual(['decoded', 'refused at the gateway', 'refused when decoded']);
  expect(inference.status()).toMatchObject({ pid, restarts: 0 });
});
