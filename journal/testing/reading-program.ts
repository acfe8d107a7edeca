/** Worker: reads a journal from the beginning over and over, so that some reader is on it at any moment, until told to stop. */
import { parentPort, workerData } from 'node:worker_threads';
import { openJournalReader } from '../reader.ts';

const reader = openJournalReader(workerData as string);
let reads = 0;
let stopped = false;

function round(): void {
  if (stopped) return;
  let after = -1;
  for (let end = false; !end; reads++) {
    const read = reader.read({ client: 'ada', after, maxBytes: 20_000 });
    if (read.kind === 'retired') throw new Error('retired');
    after = read.last;
    end = read.end;
  }
  setImmediate(round);
}

parentPort!.once('message', () => {
  stopped = true;
  reader.close();
  parentPort!.postMessage(reads);
});
parentPort!.postMessage('reading');
round();
