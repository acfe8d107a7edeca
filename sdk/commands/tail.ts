/** `sluice tail`: prints a client's firehose, resuming by itself when the connection breaks. */
import { Command } from 'commander';
import { addConnection, connect } from './connection.ts';
import { describe } from './describe.ts';
import { UsageError } from './errors.ts';

export function tailCommand(): Command {
  const command = new Command('tail')
    .description('Print the firehose as it comes')
    .option('--from <position>', 'earliest, latest, or [epoch:]offset of the last message that was processed', 'latest')
    .option('--output <form>', 'text or json', 'text');
  return addConnection(command).action(async () => {
    const { from, output } = command.opts<{ from: string; output: string }>();
    if (output !== 'text' && output !== 'json') throw new UsageError(`--output is text or json, not '${output}'`);
    const abort = new AbortController();
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => abort.abort());
    const names = new Map<string, string>();
    for await (const message of connect(command).firehose({ from: parsePosition(from), signal: abort.signal })) {
      if (message.type === 'ingest.v1m0.ImageAccepted') names.set(message.payload.imageId, message.payload.name);
      const line = output === 'json' ? JSON.stringify(message) : describe(message, (id) => names.get(id) || id);
      process.stdout.write(`${line}\n`);
    }
  });
}

/** @throws {UsageError} */
export function parsePosition(text: string): 'earliest' | 'latest' | { epoch?: string; offset: number } {
  if (text === 'earliest' || text === 'latest') return text;
  const match = /^(?:([0-9a-z]+):)?(-1|\d+)$/.exec(text);
  if (match === null) throw new UsageError(`--from is earliest, latest, an offset or epoch:offset, not '${text}'`);
  const [, epoch, offset] = match;
  return epoch === undefined ? { offset: Number(offset) } : { epoch, offset: Number(offset) };
}
