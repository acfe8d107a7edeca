/** `sluice journal verify|backup|restore`: the journals of a data folder checked, copied while they are written, put back. */
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { Command } from 'commander';
import { backup } from '../../journal/backup.ts';
import { restore } from '../../journal/restore.ts';
import { verifyJournal } from '../../journal/verify.ts';
import { listVolumes } from '../../journal/volume-files.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';

const ROLES_WITH_JOURNALS = ['firehose', 'push'];

export function journalCommand(): Command {
  const command = new Command('journal').description('The journals of a data folder');
  for (const part of [verifyCommand(), backupCommand(), restoreCommand()]) command.addCommand(part);
  return command;
}

function verifyCommand(): Command {
  const verify = ofDataFolder(
    new Command('verify').description(
      'Check the journals: prev chains, checksums, counts, positions and the databases themselves. Safe while roles run',
    ),
  );
  return verify.action(async () => {
    const { data } = await settingsOf(verify);
    let damaged = 0;
    const folders = journalFolders(data);
    for (const folder of folders) {
      const { findings, ...facts } = verifyJournal(folder);
      print({ folder, ...facts, findings });
      if (findings.length > 0) damaged += 1;
    }
    if (damaged > 0) throw new Error(`${damaged} of ${folders.length} journals are damaged`);
  });
}

function backupCommand(): Command {
  const command = ofDataFolder(
    new Command('backup')
      .description(
        'Copy every journal, each as of one moment, and verify the copy by reading all of it. Safe while roles run',
      )
      .requiredOption('--to <folder>', 'Where to; must not hold a backup yet'),
  );
  return command.action(async ({ to }: { to: string }) => {
    const { data } = await settingsOf(command);
    for (const folder of journalFolders(data)) {
      const copy = join(to, relative(data, folder));
      if (existsSync(copy)) throw new UsageError(`${to} already holds a backup: name a new folder`);
      print({ folder, to: copy, ...backup(folder, copy) });
    }
  });
}

function restoreCommand(): Command {
  const command = ofDataFolder(
    new Command('restore')
      .description(
        'Put the journals of a backup in their places, verified; those that are there are moved aside. Stop the roles first',
      )
      .requiredOption('--from <folder>', 'What `sluice journal backup` has written'),
  );
  return command.action(async ({ from }: { from: string }) => {
    const { data } = await settingsOf(command);
    for (const copy of journalFolders(from)) {
      const folder = join(data, relative(from, copy));
      const { verification, movedTo } = restore(copy, folder, `${dirname(folder)}-aside`);
      print({ folder, from: copy, ...verification, ...(movedTo !== undefined && { moved_aside: movedTo }) });
    }
  });
}

function ofDataFolder(command: Command): Command {
  return addSettings(command, (flag) => flag === 'data');
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Every folder that holds volumes: `<role>/journal/…/<partition>`. @throws {UsageError} there is none */
function journalFolders(data: string): string[] {
  const folders = ROLES_WITH_JOURNALS.flatMap((role) => journalsBelow(join(data, role, 'journal')));
  if (folders.length === 0) throw new UsageError(`there are no journals in ${data}`);
  return folders;
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
