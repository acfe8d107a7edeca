/** The writer of the benchmark's journal in its own thread, where the journaler has its: entries in, committed bytes out. */
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { NewEntry } from '../../journal/entry.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import type { ToServer } from './messages.ts';

const EPOCH = 'bench';
const BATCH = 500;

const port = parentPort as MessagePort;
const writer = openJournalWriter(workerData as string, { epoch: EPOCH, now: Date.now() });
let offset = writer.position - 1;
port.postMessage({ kind: 'open', epoch: EPOCH });

port.on('message', (message: Exclude<ToServer, { kind: 'usage' }>) => {
  const { clients, bytes } = message;
  const rounds = message.kind === 'fill' ? message.entries : 1;
  const fill = message.kind === 'fill';
  let batch: NewEntry[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const client of clients) {
      batch.push(entry(client, bytes));
      if (batch.length === BATCH && fill) batch = append(batch, false);
    }
  }
  append(batch, !fill);
  port.postMessage({ kind: 'done' });
});

function append(entries: NewEntry[], tell: boolean): NewEntry[] {
  const { segments } = writer.appendBatch({ entries, position: offset + 1, epoch: EPOCH, now: Date.now() });
  if (tell) port.postMessage({ kind: 'appended', segments });
  return [];
}

function entry(client: string, bytes: number): NewEntry {
  const own = ++offset;
  const now = Date.now();
  const head = `{"kind":"message","offset":${own},"prev":`;
  const rest = `,"time":"${new Date(now).toISOString()}","type":"bench.v1m0.Thing","transaction":"t${own % 50}","payload":{"at":${performance.timeOrigin + performance.now()},"fill":"`;
  return {
    client,
    offset: own,
    time: now,
    messageId: newMessageId(now),
    type: 'bench.v1m0.Thing',
    transaction: `t${own % 50}`,
    labels: [],
    confidence: null,
    frame: (prev) => {
      const front = `${head}${prev}${rest}`;
      return Buffer.from(`${front}${'x'.repeat(Math.max(0, bytes - front.length - 4))}"}}\n`);
    },
  };
}
