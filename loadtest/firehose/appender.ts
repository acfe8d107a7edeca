/** The writer of the benchmark's journal in its own thread, where the journaler has its: entries in, committed bytes out. */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { AppendedSegment } from '../../journal/appending.ts';
import type { NewEntry } from '../../journal/entry.ts';
import { openJournalWriter } from '../../journal/writer.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import { marked } from './deliveries.ts';
import type { ToServer } from './messages.ts';

type Append = Extract<ToServer, { kind: 'append' }>;

const EPOCH = 'bench';
const BATCH = 500;

const port = parentPort as MessagePort;
const writer = openJournalWriter(workerData as string, { epoch: EPOCH, now: Date.now() });
let offset = writer.position - 1;
port.postMessage({ kind: 'open', epoch: EPOCH });

port.on('message', (message: Exclude<ToServer, { kind: 'usage' }>) => {
  if (message.kind === 'fill') fill(message);
  else if (message.kind === 'round') round(message);
  else commit([message, ...waiting()]);
});

function fill({ clients, entries, bytes }: Extract<ToServer, { kind: 'fill' }>): void {
  let batch: NewEntry[] = [];
  for (let round = 0; round < entries; round++) {
    for (const client of clients) {
      batch.push(entry(client, bytes, marked(round, 0)));
      if (batch.length === BATCH) {
        append(batch);
        batch = [];
      }
    }
  }
  append(batch);
  port.postMessage({ kind: 'done' });
}

function round({ clients, bytes }: Extract<ToServer, { kind: 'round' }>): void {
  tell(append(clients.map((client) => entry(client, bytes, marked(0, 0)))));
  port.postMessage({ kind: 'done' });
}

/** All that has come meanwhile goes into one commit, as in the journaler. */
function* waiting(): Iterable<Append> {
  for (let next = receiveMessageOnPort(port); next !== undefined; next = receiveMessageOnPort(port)) yield next.message;
}

function commit(messages: readonly Append[]): void {
  tell(append(messages.map(({ client, bytes, n, at }) => entry(client, bytes, marked(n, at)))));
  for (const _ of messages) port.postMessage({ kind: 'done' });
  writer.tidy();
}

/** The bytes change hands, as the journaler's do: cloned, each view would take along the pool that it lies in. */
function tell(appended: readonly AppendedSegment[]): void {
  const segments = appended.map((segment) => ({ ...segment, data: Uint8Array.from(segment.data) }));
  port.postMessage(
    { kind: 'appended', segments },
    segments.map(({ data }) => data.buffer),
  );
}

function append(entries: NewEntry[]) {
  return writer.appendBatch({ entries, position: offset + 1, epoch: EPOCH, now: Date.now() }).segments;
}

/** @param mark what is measured by, in the payload */
function entry(client: string, bytes: number, mark: string): NewEntry {
  const own = ++offset;
  const now = Date.now();
  const head = `{"kind":"message","offset":${own},"prev":`;
  const rest = `,"time":"${new Date(now).toISOString()}","type":"bench.v1m0.Thing","transaction":"t${own % 50}","payload":{${mark}"fill":"`;
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
