/** The options by which client commands reach a gateway: where it is and who they are. */
import { type Command, Option } from 'commander';
import { type Client, createClient } from '../client/client.ts';
import { serverUrl } from '../client/server-url.ts';
import { UsageError } from './errors.ts';

/** Environment variables of client commands, which are no settings of a deployment. */
export const CLIENT_VARIABLES: readonly string[] = ['SLUICE_URL', 'SLUICE_TOKEN', 'SLUICE_ALLOWED_NODES'];

const DEFAULT_URL = 'http://127.0.0.1:8080';

export function addUrl(command: Command): Command {
  return command.addOption(new Option('--url <url>', 'Base URL of the gateway').env('SLUICE_URL').default(DEFAULT_URL));
}

export function addToken(command: Command): Command {
  return command.addOption(new Option('--token <token>', 'Authorisation token').env('SLUICE_TOKEN'));
}

export function addConnection(command: Command): Command {
  return addToken(addUrl(command)).addOption(
    new Option(
      '--allowed-nodes <hosts>',
      'Hosts, separated by commas, that the token may go to when the server redirects there, such as *.nodes.example; that of --url and those below it need not be named',
    ).env('SLUICE_ALLOWED_NODES'),
  );
}

/** @throws {UsageError} */
export function connect(command: Command): Client {
  const { token, allowedNodes = '' } = command.opts<{ token?: string; allowedNodes?: string }>();
  if (token === undefined) throw new UsageError('give a token with --token or SLUICE_TOKEN; `sluice token` makes one');
  const url = urlOf(command);
  return createClient({ url, token, allowedNodes: allowedNodes.split(',').filter((host) => host !== '') });
}

/** Of a command that has what `addUrl` adds. @throws {UsageError} */
export function urlOf(command: Command): string {
  try {
    return serverUrl(command.opts<{ url: string }>().url);
  } catch (cause) {
    throw new UsageError(`--${(cause as Error).message}`, { cause });
  }
}
