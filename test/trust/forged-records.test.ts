/** Nobody is believed for being on the log: what is forged or replayed there is refused by every service that meets it. */
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { type EventContext, packEvent, payloadOf, unpackEvent } from '../../protocol/envelope.ts';
import { DeadLetter } from '../../protocol/generated/deadletter/v1m0/deadletter_pb.js';
import { ImageAccepted, IngestedImage } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { readToEnd } from '../../protocol/log/read-to-end.ts';
import { DEAD_LETTER_TOPIC, INGEST_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { type Client, openTrustBench, type TrustBench } from './trust-bench.ts';

const MARK = 'FORGED';

let bench: TrustBench;
let ada: Client;
let eve: Client;

beforeAll(async () => {
  bench = await openTrustBench();
});
beforeEach(async () => {
  ada = await bench.newClient('ada');
  eve = await bench.newClient('eve');
});
afterAll(() => bench?.close());

async function recordsOf(topic: string): Promise<{ key: string; value: Buffer }[]> {
  const records: { key: string; value: Buffer }[] = [];
  await readToEnd(bench.log, topic, ({ key, value }) => value !== null && records.push({ key, value }));
  return records;
}

/** The dead letters of records with one of these keys. */
async function deadLettersOf(...keys: string[]): Promise<DeadLetter[]> {
  const letters = (await recordsOf(DEAD_LETTER_TOPIC)).map(({ value }) => DeadLetter.fromBinary(value));
  return letters.filter(({ key }) => key !== undefined && keys.includes(key));
}

function tampered(jwe: string): string {
  const at = jwe.lastIndexOf('.') - 20;
  return `${jwe.slice(0, at)}${jwe[at] === 'A' ? 'B' : 'A'}${jwe.slice(at + 1)}`;
}

const context = (client: Client, token: string, correlationId = 't'): EventContext => ({
  correlationId,
  client: client.id,
  token,
  traceparent: '',
});

/** Says of a transaction that there is one more image, and what is written on it. */
function forgedResults(key: string, of: EventContext): ProduceRecord[] {
  const eventTime = Date.now();
  const imageId = newMessageId(eventTime);
  const accepted = ImageAccepted.create({ imageId, mediaType: 'image/png', name: MARK, services: ['synthetic'] });
  const line = TextLine.create({ imageId, index: 0, label: 'text', confidence: 1, text: MARK });
  return [
    {
      key,
      value: packEvent(of, { messageId: newMessageId(eventTime), eventTime, type: ImageAccepted, message: accepted }),
    },
    { key, value: packEvent(of, { messageId: newMessageId(eventTime), eventTime, type: TextLine, message: line }) },
  ];
}

test('forged and replayed records of results-1: set aside by the firehose, in no journal, summary or delivery', async () => {
  await bench.submit(ada, 't');
  await bench.summarised(ada, 't');
  const genuine = (await recordsOf(RESULTS_TOPIC)).filter(({ key }) => key === ada.id);
  const taken = genuine.map(({ value }) => unpackEvent(value)).find(({ type }) => type === ImageAccepted.typeName)!;
  const readdressed = packEvent(context(eve, ada.token), {
    messageId: newMessageId(Date.now()),
    eventTime: taken.eventTime,
    type: ImageAccepted,
    message: payloadOf(taken, ImageAccepted),
  });

  const forgeries = [
    ...forgedResults(ada.id, context(ada, tampered(ada.token))),
    ...forgedResults(ada.id, context(ada, eve.token)),
    ...forgedResults(ada.id, context(eve, eve.token)),
    ...genuine.map(({ value }) => ({ key: eve.id, value })),
    { key: eve.id, value: readdressed },
  ];
  await bench.log.produce(RESULTS_TOPIC, forgeries);
  // The same again, byte for byte, is no forgery: it is a repeat.
  await bench.log.produce(RESULTS_TOPIC, genuine);
  await bench.submit(ada, 'afterwards');
  await bench.submit(eve, 'afterwards');

  const [adas, eves] = [await bench.summarised(ada, 'afterwards'), await bench.summarised(eve, 'afterwards')];
  const allLetters = async () => (await deadLettersOf(ada.id, eve.id)).length;
  await expect.poll(allLetters).toBeGreaterThanOrEqual(forgeries.length);
  const letters = await deadLettersOf(ada.id, eve.id);
  expect(letters.every(({ service }) => service === 'firehose')).toBe(true);
  const details = letters.map(({ detail }) => detail);
  expect(details.filter((detail) => detail.includes(`carries a token of '${eve.id}'`))).toHaveLength(2);
  expect(details.filter((detail) => detail.includes(`carries a token of '${ada.id}'`))).toHaveLength(1);
  expect(details.filter((detail) => detail.includes("the record's key"))).toHaveLength(2 + genuine.length);
  expect(letters.map(({ value }) => Buffer.from(value).toString('hex')).sort()).toEqual(
    forgeries.map(({ value }) => Buffer.from(value!).toString('hex')).sort(),
  );

  expect(JSON.stringify([adas, eves])).not.toContain(MARK);
  expect(new Set(adas.map(({ id }) => id)).size).toBe(adas.length);
  expect(new Set(eves.map(({ transaction }) => transaction))).toEqual(new Set(['afterwards']));
  const summaries = adas.filter(({ type, transaction }) => type.endsWith('TransactionSummary') && transaction === 't');
  expect(summaries.map(({ payload }) => payload.images.length)).toEqual([1]);
  await expect.poll(bench.pushed).toContain(adas.at(-1)!.id);
  expect(bench.pushed()).not.toContain(MARK);
  for (const { id } of adas.filter(({ transaction }) => transaction === 't'))
    expect(bench.pushed().split(`"id":"${id}"`).length, id).toBeLessThanOrEqual(2);
});

test('forged records of ingest-1 are set aside by vision, and nobody is told of them', async () => {
  const transaction = `forged-${ada.id}`;
  const record = (of: EventContext): ProduceRecord => {
    const message = IngestedImage.create({
      imageId: newMessageId(Date.now()),
      mediaType: 'image/png',
      content: { oneofKind: 'inline', inline: bench.image },
    });
    return {
      key: transaction,
      value: packEvent(of, { messageId: message.imageId, eventTime: Date.now(), type: IngestedImage, message }),
    };
  };
  await bench.log.produce(INGEST_TOPIC, [
    record(context(ada, tampered(ada.token), transaction)),
    record(context(ada, eve.token, transaction)),
    record(context(eve, ada.token, transaction)),
  ]);
  await expect.poll(() => deadLettersOf(transaction)).toHaveLength(3);
  const letters = await deadLettersOf(transaction);
  expect(letters.map(({ service }) => service)).toEqual(Array(3).fill('vision-synthetic-1.0'));
  expect(letters.slice(1).map(({ detail }) => detail)).toEqual(
    Array(2).fill('the token belongs to another client than the message'),
  );
  for (const client of [ada, eve])
    expect((await bench.ask('GET', `/v1/transactions/${transaction}`, client)).status).toBe(404);
});
