/** `sluice clients add|show|list|limit|disable|enable`: who may get tokens, and the most that those may grant. */
import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import {
  addClient,
  disableClient,
  limitClient,
  listClients,
  RegistryError,
  showClient,
} from '../../gateway/clients/registry.ts';
import type { Limits } from '../../protocol/generated/client/v1m0/client_pb.js';
import type { Log } from '../../protocol/log/log.ts';
import { topicDefinitions } from '../../protocol/log/topics.ts';
import { UsageError } from './errors.ts';
import { parseGrants } from './mint.ts';
import { addSettings, settingsOf } from './settings.ts';
import { withExistingLog, withLog } from './with-log.ts';

export function clientsCommand(): Command {
  const command = new Command('clients').description('The registry of clients');
  const parts = [addPart(), listPart(), showPart(), limitPart(), lockPart('disable', true), lockPart('enable', false)];
  for (const part of parts) command.addCommand(part);
  return command;
}

function addPart(): Command {
  const command = new Command('add')
    .description('Register a client; prints its secret, which cannot be read again')
    .argument('<id>')
    .option('--grant <pattern...>', 'The most that its tokens may grant; default: all that runs by default')
    .option('--jwks <file>', 'Public keys (JWK Set) for private_key_jwt, in place of a secret');
  return onRegistry(command, async (log, id) => {
    const { grant = [], jwks } = command.opts<{ grant?: string[]; jwks?: string }>();
    const keys = jwks === undefined ? {} : { jwks: await readFile(jwks, 'utf8') };
    const secret = await addClient(log, { clientId: id!, grants: parseGrants(grant), ...keys }, Date.now());
    print({ client: id, ...(secret !== undefined && { secret }) });
  });
}

function listPart(): Command {
  const command = new Command('list').description('One line of JSON per client');
  const list = async (log: Log) => {
    for (const client of await listClients(log)) print(client);
  };
  return onRegistry(command, list, withExistingLog);
}

function showPart(): Command {
  const command = new Command('show').description('One client').argument('<id>');
  const show = async (log: Log, id?: string) => print(await showClient(log, id!));
  return onRegistry(command, show, withExistingLog);
}

function limitPart(): Command {
  const command = new Command('limit')
    .description('Set limits of a client; 0 lifts one')
    .argument('<id>')
    .argument('<limit...>', 'as name=number, such as requests_per_second=20 or requests_in_flight=8');
  return onRegistry(command, async (log, id, limits) => {
    await limitClient(log, id!, parseLimits(limits as unknown as string[]), Date.now());
    print(await showClient(log, id!));
  });
}

function lockPart(name: string, disabled: boolean): Command {
  const description = disabled ? 'Lock a client out, tokens that it has included' : 'Let a client in again';
  return onRegistry(new Command(name).description(description).argument('<id>'), async (log, id) => {
    await disableClient(log, id!, disabled, Date.now());
    print(await showClient(log, id!));
  });
}

function onRegistry(
  command: Command,
  act: (log: Log, ...operands: (string | undefined)[]) => Promise<void>,
  openedBy = withLog,
): Command {
  return addSettings(command).action(async (...operands) => {
    const config = await settingsOf(command);
    try {
      await openedBy(config, async (log) => {
        // A client may be registered before anything has run.
        if (config.topics.create) await log.createTopics(topicDefinitions(config.topics));
        await act(log, ...operands);
      });
    } catch (error) {
      if (error instanceof RegistryError) throw new UsageError(error.message, { cause: error });
      throw error;
    }
  });
}

/** As they are named on the command line, and in the registry. */
const LIMITS: Readonly<Record<string, keyof Limits>> = {
  requests_per_second: 'requestsPerSecond',
  requests_in_flight: 'requestsInFlight',
};

/** @throws {UsageError} */
export function parseLimits(texts: readonly string[]): Partial<Limits> {
  return Object.fromEntries(
    texts.map((text) => {
      const match = /^([a-z_]+)=(\d+)$/.exec(text);
      if (match === null) throw new UsageError(`'${text}' is not a limit: use name=number`);
      const name = Object.hasOwn(LIMITS, match[1]!) ? LIMITS[match[1]!]! : undefined;
      if (name === undefined)
        throw new UsageError(`'${match[1]}' is no limit; known are ${Object.keys(LIMITS).join(', ')}`);
      return [name, Number(match[2])];
    }),
  );
}

function print(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
