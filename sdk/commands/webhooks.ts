/**
 * `sluice webhooks list|show|dead-letters|replay|resume`: how the delivery to webhooks stands, and doing something about it.
 *
 * It asks push over the routes that clients have (docs/push.md). An operator names the client and the token is made with the keys
 * of the data folder; a client gives its own token.
 */
import { Command } from 'commander';
import type { Log } from '../../protocol/log/log.ts';
import { pushGrant } from '../../protocol/webhook/grant.ts';
import { followWebhookRecords, type WebhookChange } from '../../protocol/webhook/webhook-record.ts';
import type { SluiceConfig } from './config.ts';
import { addToken, addUrl, urlOf } from './connection.ts';
import { UsageError } from './errors.ts';
import { mintFor } from './mint.ts';
import { type PushConnection, paged, pushRequest } from './push-requests.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withLog } from './with-log.ts';

/** Long enough for one command. */
const TOKEN_TTL_S = 300;

export function webhooksCommand(): Command {
  const command = new Command('webhooks').description('The delivery to webhooks: how it stands, and its dead letters');
  for (const part of [listPart(), showPart(), deadLettersPart(), replayPart(), resumePart()]) command.addCommand(part);
  return command;
}

function listPart(): Command {
  const command = new Command('list').description(
    'For operators: one line of JSON per webhook: its state, its breaker, its position and what waits for it',
  );
  return addSettings(addUrl(command)).action(async () => {
    const config = await settingsOf(command);
    for (const change of await withLog(config, webhooks)) {
      if (change.webhook === undefined) continue;
      const connection = { url: urlOf(command), token: await tokenFor(change, config) };
      print({ client: change.client, url: change.webhook.url, ...(await delivery(connection)) });
    }
  });
}

function showPart(): Command {
  const command = new Command('show')
    .description('How the delivery to one webhook stands')
    .option('--client <id>', 'Whose');
  return withSettings(command, async () => print(await delivery(await connectionOf(command))));
}

function deadLettersPart(): Command {
  const command = new Command('dead-letters')
    .description('One line of JSON per message that could not be pushed, the oldest first')
    .option('--client <id>', 'Whose');
  return withSettings(command, async () => {
    for await (const letter of paged(await connectionOf(command))) print(letter);
  });
}

function replayPart(): Command {
  const command = new Command('replay')
    .description('Push dead letters again: one, or all since a time; prints how many')
    .option('--client <id>', 'Whose')
    .option('--id <number>', 'The one with this `id` in `sluice webhooks dead-letters`')
    .option('--since <time>', 'All that were set aside since then, such as 2026-11-21T00:00:00Z');
  return withSettings(command, async () => {
    const { id, since } = command.opts<{ id?: string; since?: string }>();
    if ((id === undefined) === (since === undefined)) throw new UsageError('give either --id or --since');
    if (id !== undefined && !/^[1-9]\d{0,14}$/.test(id)) throw new UsageError(`--id ${id} is not a number above 0`);
    const connection = await connectionOf(command);
    print(
      id !== undefined
        ? await pushRequest(connection, 'POST', `/v1/webhook/dead-letters/${id}/replay`)
        : await pushRequest(connection, 'POST', '/v1/webhook/dead-letters/replay', { since: timeOf(since!) }),
    );
  });
}

function resumePart(): Command {
  const command = new Command('resume')
    .description('Go on pushing after an offset; brings a parked or disabled webhook back')
    .requiredOption('--offset <number>', 'The last offset that the receiver has; -1 for all that is held')
    .option('--epoch <epoch>', 'The epoch of the offset: refused where it is another')
    .option('--client <id>', 'Whose webhook');
  return withSettings(command, async () => {
    const { offset, epoch } = command.opts<{ offset: string; epoch?: string }>();
    if (!/^(-1|\d{1,16})$/.test(offset)) throw new UsageError(`--offset ${offset} is not an offset, nor -1`);
    const body = { offset: Number(offset), ...(epoch !== undefined && { epoch }) };
    print(await pushRequest(await connectionOf(command), 'POST', '/v1/webhook/resume', body));
  });
}

function withSettings(command: Command, act: () => Promise<void>): Command {
  return addSettings(addToken(addUrl(command))).action(act);
}

/** For the client that is named, with a token made here; otherwise with the token that was given. @throws {UsageError} */
async function connectionOf(command: Command): Promise<PushConnection> {
  const { token, client } = command.opts<{ token?: string; client?: string }>();
  const url = urlOf(command);
  if (client === undefined) {
    if (token !== undefined) return { url, token };
    throw new UsageError('name the client with --client, or give its token with --token');
  }
  if (command.getOptionValueSource('token') === 'cli') throw new UsageError('give either --client or --token');
  const config = await settingsOf(command);
  const change = (await withLog(config, webhooks)).find((each) => each.client === client);
  if (change?.webhook === undefined)
    throw new UsageError(`client '${client}' has no webhook; see \`sluice webhooks list\``);
  return { url, token: await tokenFor(change, config) };
}

/** A token of the client that names its webhook. */
function tokenFor({ client, webhook }: WebhookChange, { data }: SluiceConfig): Promise<string> {
  return mintFor(data, client, [`push-1=${JSON.stringify(pushGrant(webhook!, Date.now()))}`], TOKEN_TTL_S);
}

/** @throws {UsageError} */
function timeOf(text: string): string {
  const time = Date.parse(text);
  if (Number.isNaN(time)) throw new UsageError(`--since ${text} is not a time such as 2026-11-21T00:00:00Z`);
  return new Date(time).toISOString();
}

/** The latest word about every client's webhook, by client. */
async function webhooks(log: Log): Promise<WebhookChange[]> {
  const latest = new Map<string, WebhookChange>();
  const warn = (error: unknown) => process.stderr.write(`sluice: ${String(error)}\n`);
  const following = await followWebhookRecords(log, (change) => latest.set(change.client, change), warn);
  await following.close();
  return [...latest.values()].sort((a, b) => (a.client < b.client ? -1 : 1));
}

function delivery(connection: PushConnection): Promise<object> {
  return pushRequest(connection, 'GET', '/v1/webhook/delivery', undefined, { state: 'unused' });
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
