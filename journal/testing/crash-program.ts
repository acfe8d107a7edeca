/**
 * A writer that is to be killed: appends the record sequence of `recordAt` from its journal's position on, for ever, with
 * small volumes, so that rolls and retirements are interrupted too. Prints each position that was acknowledged.
 *
 * Usage: node crash-program.ts FOLDER
 */
import { openJournalWriter } from '../writer.ts';
import { recordAt } from './crash-records.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) throw new Error('which folder?');
const writer = openJournalWriter(folder, {
  epoch: 'one',
  now: 0,
  volumeBytes: 300_000,
  retentionBytes: 2_000_000,
  walBytes: 100_000,
});
for (let n = 0; ; n++) {
  const first = writer.position;
  const position = first + 1 + (first % 37);
  const entries = Array.from({ length: position - first }, (_, i) => recordAt(first + i)).filter(
    (entry) => entry !== null,
  );
  writer.appendBatch({ entries, position, epoch: 'one', now: 0 });
  process.stdout.write(`${position}\n`);
  if (n % 20 === 19) writer.maintain({ now: 0 });
}
