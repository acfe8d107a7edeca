/** What a record costs on its way from the log into a journal: the whole journaler, in its thread, on the embedded log. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FirehoseConfig } from '../../firehose/config.ts';
import { startFirehose } from '../../firehose/main.ts';
import { openJournalReader } from '../../journal/reader.ts';
import { loadConfig } from '../../protocol/config/load.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { threadSeconds, threadsOf } from '../processor-time.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { openRoleContext } from './role-context.ts';

const CLIENTS = 100;
const RECORDS = 20_000;

export async function openJournalerVariant({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const { context, token } = await openRoleContext(folder);
  const { log } = context;
  const tokens = await Promise.all(
    Array.from({ length: CLIENTS }, (_, client) => token(`client-${client}`, { 'ocr-*': {} })),
  );
  const threadsBefore = new Set(threadsOf(process.pid));
  const role = await startFirehose(context, loadConfig(FirehoseConfig, { flags: {}, environment: {} }));
  while (!role.readiness().ready) await sleep(10);
  const journaler = threadsOf(process.pid).filter((thread) => !threadsBefore.has(thread));
  const count = Math.max(CLIENTS, Math.round(RECORDS * scale));
  return {
    async measure() {
      const values = Array.from({ length: count }, (_, index) => recordOf(index, tokens[index % CLIENTS]!));
      const spent = () => journaler.reduce((sum, thread) => sum + threadSeconds(process.pid, thread), 0);
      const [began, before] = [performance.now(), spent()];
      const produced = await log.produce(RESULTS_TOPIC, values);
      const ends = new Map(produced.map(({ partition, offset }) => [partition, offset]));
      for (const [partition, offset] of ends) await journaled(context.dataFolder, partition, offset);
      const seconds = (performance.now() - began) / 1000;
      return { value: count / (spent() - before), also: { by_the_clock: count / seconds } };
    },
    async close() {
      await role.stop();
      await log.close();
    },
  };
}

function recordOf(index: number, token: string) {
  const client = `client-${index % CLIENTS}`;
  const eventTime = Date.now();
  const message = TextLine.create({
    imageId: newMessageId(eventTime),
    index,
    label: 'text',
    confidence: 0.5,
    text: 'line',
  });
  const context = { correlationId: `t-${index >> 3}`, client, token, traceparent: '' };
  const event = { messageId: newMessageId(eventTime), eventTime, type: TextLine, message };
  return { key: client, value: packEvent(context, event) };
}

async function journaled(dataFolder: string, partition: number, offset: number): Promise<void> {
  const reader = openJournalReader(join(dataFolder, 'journal', String(partition)));
  try {
    while (reader.bounds().position <= offset) await sleep(5);
  } finally {
    reader.close();
  }
}
