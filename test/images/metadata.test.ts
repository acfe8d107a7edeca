/**
 * What an image says of its taker stays in it: place, comments, names and serial numbers from EXIF, XMP, comments and PNG text
 * come out nowhere, neither in what clients read, nor on results-1, nor in logs and metrics.
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openEmbeddedLog } from '../../protocol/log/embedded/open.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

/** Each stands for one place that metadata can be in; none is in the pixels. */
const SECRETS = {
  artist: 'Q7-artist-Zoe-Quill',
  serial: 'Q7-serial-40991822',
  comment: 'Q7-jpeg-comment-at-the-lake',
  xmp: 'Q7-xmp-creator-Zoe',
  latitude: '48/1 51/1 29599/1000',
  text: 'Q7-png-text-on-the-roof',
};
/** As the numbers would look once somebody has parsed them. */
const PLACE = /48[.,]85822|29599|29\.599|GPSL|"?latitude"?\s*:/i;

let data: string;
let sluice: SluiceProcess;
let token: string;

beforeAll(async () => {
  data = await mkdtemp(join(tmpdir(), 'sluice-metadata-'));
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--log-level', 'debug']);
  token = runSluice(['token', '--client', 'zoe', '--data', data]).trim();
}, 300_000);
afterAll(async () => {
  await sluice?.kill();
  await rm(data, { recursive: true });
});

async function taggedJpeg(): Promise<Buffer> {
  const xmp = `<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:creator>${SECRETS.xmp}</dc:creator></rdf:Description></rdf:RDF></x:xmpmeta>`;
  const image = await sharp(await readFile(new URL('../../vision/samples/card.jpg', import.meta.url)))
    .withExif({
      IFD0: { Artist: SECRETS.artist },
      IFD2: { BodySerialNumber: SECRETS.serial },
      IFD3: {
        GPSLatitudeRef: 'N',
        GPSLatitude: SECRETS.latitude,
        GPSLongitudeRef: 'E',
        GPSLongitude: '2/1 17/1 40000/1000',
      },
    })
    .withXmp(xmp)
    .jpeg()
    .toBuffer();
  return Buffer.concat([image.subarray(0, 2), segment(0xfe, SECRETS.comment), image.subarray(2)]);
}

function segment(marker: number, text: string): Buffer {
  const head = Buffer.from([0xff, marker, 0, 0]);
  head.writeUInt16BE(text.length + 2, 2);
  return Buffer.concat([head, Buffer.from(text)]);
}

async function taggedPng(): Promise<Buffer> {
  const drawing = sharp(await readFile(new URL('../../vision/samples/page.png', import.meta.url)));
  const image = await drawing
    .withExif({ IFD0: { ImageDescription: SECRETS.text } })
    .png()
    .toBuffer();
  return image;
}

/** Everything that is said to clients and operators, as it goes over the wire. */
async function everythingSaid(): Promise<Map<string, string>> {
  const said = new Map<string, string>();
  const ask = async (name: string, path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`${sluice.url}${path}`, { headers: { authorization: `Bearer ${token}`, ...headers } });
    expect(response.status, path).toBe(200);
    said.set(
      name,
      `${JSON.stringify([...response.headers])}${Buffer.from(await response.arrayBuffer()).toString('latin1')}`,
    );
  };
  const ending = '/v1/firehose?from=earliest&follow=false';
  await ask('ndjson', ending);
  await ask('event stream', ending, { accept: 'text/event-stream' });
  await ask('protobuf', ending, { accept: 'application/x-protobuf' });
  await ask('transaction', '/v1/transactions/holiday');
  await ask('metrics', '/metrics');
  said.set('log lines', sluice.stderr());
  return said;
}

test('metadata of images comes out nowhere', { timeout: 120_000 }, async () => {
  const [jpeg, png] = [await taggedJpeg(), await taggedPng()];
  const form = new FormData();
  form.append('image', new Blob([new Uint8Array(jpeg)]), 'a.jpg');
  form.append('image', new Blob([new Uint8Array(png)]), 'b.png');
  const answer = await fetch(`${sluice.url}/v1/transactions/holiday/images`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: form,
  });
  const receipt = await answer.text();
  expect(answer.status, receipt).toBe(202);
  const messages = await readFirehose(
    sluice.url,
    token,
    (seen) => seen.some((it) => it.type === 'summary.v1m0.TransactionSummary' && it.payload.images.length === 2),
    90_000,
  );
  // The images were really looked at.
  expect(new Set(messages.map(({ type }) => type)).size).toBeGreaterThan(4);

  const said = await everythingSaid();
  said.set('receipt', receipt);
  const log = await openEmbeddedLog({ folder: join(data, 'log') });
  const ingested: string[] = [];
  try {
    const valuesOf = async (topic: string, into: string[]) =>
      readToEnd(log, topic, ({ value }) => into.push(Buffer.from(value ?? []).toString('latin1')));
    await valuesOf(INGEST_TOPIC, ingested);
    const results: string[] = [];
    await valuesOf(RESULTS_TOPIC, results);
    await valuesOf(DEAD_LETTER_TOPIC, results);
    expect(results.length).toBeGreaterThanOrEqual(messages.length);
    said.set('results-1', results.join('\n'));
  } finally {
    await log.close();
  }
  // The vision services get the image as it was sent, so what is looked for below is there to be found.
  const originals = ingested.join('\n');
  for (const secret of [SECRETS.artist, SECRETS.serial, SECRETS.comment, SECRETS.xmp, SECRETS.text])
    expect(originals.includes(secret), secret).toBe(true);
  for (const [place, text] of said) {
    for (const secret of Object.values(SECRETS)) expect(text.includes(secret), `${secret} in ${place}`).toBe(false);
    expect(text, place).not.toMatch(PLACE);
  }
});
