/** `sluice tail`: prints a client's firehose, resuming by itself when the connection breaks. */
import { Command } from 'commander';
import type { Message } from '../../protocol/frames.ts';
import { addConnection, connect } from './connection.ts';
import { describe } from './describe.ts';
import { openLineOutput } from './line-output.ts';
import { asUsage, tellEvent } from './stream-events.ts';
import { addStreamOptions, oneOf, type StreamFlags, streamRequest } from './stream-options.ts';

interface TailFlags extends StreamFlags {
  readonly format?: string;
  readonly output?: string;
}

const FORMATS = ['text', 'ndjson', 'payload'] as const;

export function tailCommand(): Command {
  const command = new Command('tail').description('Print the firehose as it comes');
  addStreamOptions(command, 'latest')
    .option('--consumer <name>', 'Begin at the checkpoint of this named consumer, and move it past what was printed')
    .option(
      '--format <form>',
      'text: a line for people; ndjson: the whole message; payload: its payload alone as JSON (default: text on a terminal, else ndjson)',
    )
    .option('--output <file>', 'Append to this file instead of printing');
  return addConnection(command).action(async () => {
    const flags = command.opts<TailFlags>();
    const request = streamRequest(flags, Date.now());
    const line = lineOf(flags);
    const client = connect(command);
    const output = await openLineOutput(flags.output);
    const abort = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
    try {
      for await (const message of client.firehose({ ...request, signal: abort.signal, onEvent: tellEvent }))
        await output.write(line(message));
    } catch (error) {
      throw asUsage(error);
    } finally {
      await output.end();
    }
  });
}

/** @throws {UsageError} */
function lineOf({ format, output }: TailFlags): (message: Message) => string {
  const forPeople = output === undefined && process.stdout.isTTY;
  switch (format === undefined ? (forPeople ? 'text' : 'ndjson') : oneOf('--format', format, FORMATS)) {
    case 'ndjson':
      return (message) => JSON.stringify(message);
    case 'payload':
      return (message) => JSON.stringify(message.payload);
    case 'text': {
      const names = new Map<string, string>();
      return (message) => {
        if (message.type === 'ingest.v1m0.ImageAccepted') names.set(message.payload.imageId, message.payload.name);
        return describe(message, (id) => names.get(id) || id);
      };
    }
  }
}
