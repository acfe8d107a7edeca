/** `sluice keys list|rotate|retire`: the keys that tokens are made with. */
import { join } from 'node:path';
import { Command } from 'commander';
import { ROTATION_NOTICE_MS } from '../../protocol/claims/key-ring.ts';
import { KeyStoreError, listTokenKeys, retireTokenKey, rotateTokenKeys } from '../../protocol/claims/keys.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';

export function keysCommand(): Command {
  const command = new Command('keys').description('The keys that tokens are signed and encrypted with');
  const list = part('list', 'One line of JSON per key, the newest of each use first');
  list.action(async () => printKeys(await keysFolder(list)));
  const rotate = part('rotate', 'Add a new key of each use; the old ones stay accepted until they are retired');
  rotate.action(async () => {
    const folder = await keysFolder(rotate);
    // Every process must have read a key before tokens are made with it.
    await rotateTokenKeys(folder, Date.now() + ROTATION_NOTICE_MS);
    await printKeys(folder);
  });
  const retire = part('retire', 'Remove a key: tokens made with it are no longer accepted').argument('<kid>');
  retire.action(async (kid: string) => {
    try {
      await retireTokenKey(await keysFolder(retire), kid, Date.now());
    } catch (error) {
      if (error instanceof KeyStoreError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  });
  for (const child of [list, rotate, retire]) command.addCommand(child);
  return command;
}

function part(name: string, description: string): Command {
  return addSettings(new Command(name).description(description), (flag) => flag === 'data');
}

async function keysFolder(command: Command): Promise<string> {
  return join((await settingsOf(command)).data, 'keys');
}

async function printKeys(folder: string): Promise<void> {
  for (const { useFrom, ...key } of await listTokenKeys(folder, Date.now()))
    process.stdout.write(`${JSON.stringify({ ...key, use_from: new Date(useFrom).toISOString() })}\n`);
}
