/**
 * A process of its own that consumes or produces, for the tests that stop or kill it. It speaks JSON lines on stdout.
 *
 * log-program.ts SETTINGS consume GROUP TOPIC    one line a record: {partition, offset, value}; finishes each record after
 *                                                it is told. With `hold` it finishes the last one of a batch only when it is
 *                                                to give the partition up, with `leave` not even then.
 * log-program.ts SETTINGS produce TOPIC          counts up, one line for each acknowledged value
 */
import { openLog } from '../../protocol/log/open.ts';
import type { LogSettings } from '../../protocol/log/settings.ts';

const [settings = '', command, ...rest] = process.argv.slice(2);
const log = await openLog(JSON.parse(settings) as LogSettings);

if (command === 'consume') {
  const [group = '', topic = '', hold] = rest;
  await log.subscribe({
    group,
    topics: [topic],
    onError: (error) => say({ error: String(error) }),
    onBatch: async ({ records, partition, signal, finished }) => {
      for (const { offset, value } of records) {
        say({ partition, offset, value: String(value) });
        if (hold !== undefined && offset === records.at(-1)!.offset)
          await new Promise((resolve) => signal.addEventListener('abort', resolve));
        if (hold === 'leave' && signal.aborted) throw new Error('left to the next owner');
        finished(offset);
      }
      if (signal.aborted) say({ aborted: partition });
    },
  });
  say({ ready: true });
} else if (command === 'produce') {
  const [topic = ''] = rest;
  for (let count = 0; ; count++) {
    const value = Buffer.from(String(count));
    await Promise.all([1, 2, 3].map((key) => log.produce(topic, [{ key: String(key), value }])));
    say({ acknowledged: count });
  }
}

function say(line: object): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}
