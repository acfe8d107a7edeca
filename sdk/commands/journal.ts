/** `sluice journal verify`: reads the journals of a data folder and checks everything that must hold in them. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { verifyJournal } from '../../journal/verify.ts';
import { listVolumes } from '../../journal/volume-files.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';

const ROLES_WITH_JOURNALS = ['firehose', 'push'];

export function journalCommand(): Command {
  const verify = new Command('verify').description(
    'Check the journals: prev chains, checksums, counts, positions and the databases themselves. Safe while roles run',
  );
  addSettings(verify, (flag) => flag === 'data').action(async () => {
    const { data } = await settingsOf(verify);
    const folders = journalFolders(data);
    if (folders.length === 0) throw new UsageError(`there are no journals in ${data}`);
    let damaged = 0;
    for (const folder of folders) {
      const { findings, ...facts } = verifyJournal(folder);
      process.stdout.write(`${JSON.stringify({ folder, ...facts, findings })}\n`);
      if (findings.length > 0) damaged += 1;
    }
    if (damaged > 0) throw new Error(`${damaged} of ${folders.length} journals are damaged`);
  });
  return new Command('journal').description('The journals of a data folder').addCommand(verify);
}

/** Every folder that holds volumes: `<role>/journal/…/<partition>`. */
function journalFolders(data: string): string[] {
  return ROLES_WITH_JOURNALS.flatMap((role) => journalsBelow(join(data, role, 'journal')));
}

function journalsBelow(folder: string): string[] {
  if (!existsSync(folder)) return [];
  if (listVolumes(folder).length > 0) return [folder];
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort()
    .flatMap((name) => journalsBelow(join(folder, name)));
}
