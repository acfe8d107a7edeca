/**
 * The thread around a Writer: whatever arrived while the last transaction ran becomes the next one.
 */
import { type MessagePort, parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads';
import type { Call, FromWriter, ToWriter, WriterSettings } from './operations.ts';
import { Writer } from './writer.ts';

/** Most calls of one transaction, so that the first of them does not wait for all of a flood. */
const MOST_CALLS = 10_000;

const port = parentPort as MessagePort;
const settings = workerData as WriterSettings;
const channel = new BroadcastChannel(settings.channel);
const writer = new Writer(settings);

port.on('message', (first: ToWriter) => {
  let closing = false;
  const calls: Call[] = [];
  for (let message: ToWriter | undefined = first; message !== undefined; ) {
    if ('calls' in message) calls.push(...message.calls);
    else closing = true;
    message = calls.length < MOST_CALLS ? (receiveMessageOnPort(port)?.message as ToWriter | undefined) : undefined;
  }
  if (calls.length > 0) {
    const { answers, changes } = writer.run(calls);
    post({ answers });
    if (changes !== undefined && (changes.ends.length > 0 || changes.topics || changes.groups))
      channel.postMessage(changes);
    writer.tidy();
  }
  if (closing) {
    writer.close();
    channel.close();
    post({ closed: true });
    port.close();
  }
});
post({ ready: true });

function post(message: FromWriter): void {
  port.postMessage(message);
}
