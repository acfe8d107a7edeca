/** A writer killed with SIGKILL at any moment, again and again: what it acknowledged is there, once, in an unbroken chain. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openJournalReader } from './reader.ts';
import { CRASH_CLIENTS, isRepeat, recordAt } from './testing/crash-records.ts';
import { temporaryFolder } from './testing/temporary-folder.ts';
import { verifyJournal } from './verify.ts';
import { listVolumes } from './volume-files.ts';

const PROGRAM = new URL('./testing/crash-program.ts', import.meta.url).pathname;
const KILLS = 8;

/** Runs the writer until it has acknowledged `batches` more batches, then kills it. @returns the last position it told */
async function runAndKill(folder: string, batches: number): Promise<number> {
  const child = spawn(process.execPath, [PROGRAM, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  let acknowledged = 0;
  let count = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    acknowledged = Number(line);
    // It goes on writing while the signal is on its way: the kill falls anywhere in a batch, a checkpoint or a roll.
    if (++count === batches) child.kill('SIGKILL');
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  expect(child.signalCode).toBe('SIGKILL');
  return acknowledged;
}

/** What must be in the journal up to `position`: every record but repeats of one before. */
function expected(client: string, from: number, position: number): number[] {
  const offsets: number[] = [];
  for (let offset = from; offset < position; offset++) {
    const record = recordAt(offset);
    if (record === null || record.client !== client) continue;
    if (isRepeat(offset) && recordAt(offset - 2) !== null) continue;
    offsets.push(offset);
  }
  return offsets;
}

test('survives SIGKILL at any moment: nothing acknowledged is lost, nothing is there twice', {
  timeout: 120_000,
}, async () => {
  using folder = temporaryFolder();
  for (let kill = 0; kill < KILLS; kill++) {
    const acknowledged = await runAndKill(folder.path, 1 + ((kill * 53) % 120));
    const { position, findings } = verifyJournal(folder.path);
    expect(findings).toEqual([]);
    expect(position).toBeGreaterThanOrEqual(acknowledged);

    const reader = openJournalReader(folder.path);
    const { earliest } = reader.bounds();
    for (const client of CRASH_CLIENTS) {
      const found: { offset: number; prev: number }[] = [];
      let after = (reader.earliest(client) ?? 0) - 1;
      for (let end = false; !end; ) {
        const read = reader.read({ client, after });
        if (read.kind === 'retired') throw new Error('retired');
        const text = Buffer.concat(read.chunks).toString();
        for (const line of text.split('\n').slice(0, -1)) found.push(JSON.parse(line));
        after = read.last;
        end = read.end;
      }
      // The first one held may repeat what was retired with its volume.
      const wanted = expected(client, earliest, position);
      expect(found.map(({ offset }) => offset).filter((offset) => offset >= earliest + 3)).toEqual(
        wanted.filter((offset) => offset >= earliest + 3),
      );
      for (const [i, { prev }] of found.entries()) if (i > 0) expect(prev).toBe(found[i - 1]!.offset);
    }
    reader.close();
  }
  // Rolls and retirements were among what was interrupted.
  expect(listVolumes(folder.path)[0]).toBeGreaterThan(0);
});
