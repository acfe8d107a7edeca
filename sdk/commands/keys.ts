/** `sluice keys create|list|rotate|retire|forget`: the keys that all roles of a deployment share. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { forgetTokenKey, KeyNeededError, retireTokenKey } from '../../protocol/claims/key-retirement.ts';
import { ROTATION_NOTICE_MS } from '../../protocol/claims/key-ring.ts';
import { KEY_FILES, KeyStoreError, listTokenKeys, openTokenKeys, rotateTokenKeys } from '../../protocol/claims/keys.ts';
import { openSealingKeys } from '../../protocol/webhook/sealing.ts';
import { imageAndResultsRetention } from './check-retention.ts';
import { UsageError } from './errors.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

const LEAST_NOTICE_SECONDS = ROTATION_NOTICE_MS / 1000;
const MOST_NOTICE_SECONDS = 86_400;

/** What is lost where a key is forgotten too early. */
const FORCE_MEANS =
  'images and results on the log that were made under it end in dead-letter-1 when they are read again, as by a vision service that is behind or for a journal that is rebuilt';

export function keysCommand(): Command {
  const command = new Command('keys').description('The keys that tokens are signed and encrypted with');
  const create = part('create', 'Make the keys that all roles share, where there are none yet');
  create.action(async () => {
    const folder = await keysFolder(create);
    await openTokenKeys(folder);
    // Roles make what they miss themselves, except where the folder cannot be written, as a Secret of Kubernetes.
    await openSealingKeys(folder);
    await printKeys(folder);
  });
  const list = part('list', 'One line of JSON per key, the newest of each use first');
  list.action(async () => printKeys(await keysThatAreThere(list)));
  const rotate = part('rotate', 'Add a new key of each use; the old ones stay accepted until they are retired');
  addNotice(rotate, 'How long before the new keys are used');
  rotate.action(async () => {
    const folder = await keysFolder(rotate);
    // Every process must have read a key before tokens are made with it.
    await rotateTokenKeys(folder, Date.now() + noticeMs(rotate));
    await printKeys(folder);
  });
  const retire = part(
    'retire',
    'Refuse requests with tokens of a key once the notice is over; what came before is still opened',
  );
  addNotice(retire, 'How long before they are refused');
  retire.argument('<kid>').action(async (kid: string) => {
    const now = Date.now();
    const folder = await keysThatAreThere(retire);
    await orWrongUse(retireTokenKey(folder, kid, now, now + noticeMs(retire)));
    await printKeys(folder);
  });
  const forget = new Command('forget')
    .description('Remove a retired key, once the log holds nothing any more that it opens')
    .argument('<kid>')
    .option('--force', 'Remove it now: no journal that is rebuilt will have the results that were made under it');
  addSettings(forget).action(async (kid: string) => {
    const config = await settingsOf(forget);
    const { force = false } = forget.opts<{ force?: boolean }>();
    const keepMs = force ? 0 : await withLog(config, imageAndResultsRetention);
    await orWrongUse(forgetTokenKey(join(config.data, 'keys'), kid, Date.now(), keepMs));
    if (force) process.stderr.write(`forgotten: ${FORCE_MEANS}\n`);
    await printKeys(join(config.data, 'keys'));
  });
  for (const child of [create, list, rotate, retire, forget]) command.addCommand(child);
  return command;
}

/** Every process must have read of a change before it counts. */
function addNotice(command: Command, meaning: string): void {
  command.option(
    '--notice <seconds>',
    `${meaning}; more where processes get the files later, as from a Secret of Kubernetes`,
    String(LEAST_NOTICE_SECONDS),
  );
}

/** @throws {UsageError} */
function noticeMs(command: Command): number {
  const text = command.opts<{ notice: string }>().notice;
  const seconds = Number(text);
  if (seconds >= LEAST_NOTICE_SECONDS && seconds <= MOST_NOTICE_SECONDS) return seconds * 1000;
  throw new UsageError(`--notice takes ${LEAST_NOTICE_SECONDS} to ${MOST_NOTICE_SECONDS} seconds; not '${text}'`);
}

/** @throws {UsageError} */
async function orWrongUse(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!(error instanceof KeyStoreError)) throw error;
    const hint = error instanceof KeyNeededError ? `. With --force it is forgotten now: ${FORCE_MEANS}` : '';
    throw new UsageError(`${error.message}${hint}`, { cause: error });
  }
}

function part(name: string, description: string): Command {
  return addSettings(new Command(name).description(description), (flag) => flag === 'data');
}

async function keysFolder(command: Command): Promise<string> {
  return join((await settingsOf(command)).data, 'keys');
}

/** What reads keys makes none: in a folder whose name is mistyped they would pass for those of the deployment. */
async function keysThatAreThere(command: Command): Promise<string> {
  const folder = await keysFolder(command);
  if (!KEY_FILES.some((file) => existsSync(join(folder, file))))
    throw new UsageError(`there are no keys in ${folder}: name the folder of a deployment with --data, or create them`);
  return folder;
}

async function printKeys(folder: string): Promise<void> {
  for (const { use, kid, state, useFrom, retiredAt } of await listTokenKeys(folder, Date.now())) {
    const retired = Number.isFinite(retiredAt) && { retired_at: new Date(retiredAt).toISOString() };
    const key = { use, kid, state, use_from: new Date(useFrom).toISOString(), ...retired };
    process.stdout.write(`${JSON.stringify(key)}\n`);
  }
}
