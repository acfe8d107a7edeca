/** `sluice submit FILE…`: sends images as one transaction and prints their ids. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { addConnection, connect } from './connection.ts';
import { UsageError } from './errors.ts';
import { asUsage, tellEvent } from './stream-events.ts';

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('Submit images as one transaction; prints one JSON line per image')
    .argument('<file...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--transaction <id>', 'The transaction; a new one by default');
  return addConnection(command).action(async (files: string[]) => {
    const client = connect(command);
    const transaction = command.opts<{ transaction?: string }>().transaction ?? randomUUID();
    for (const file of files) {
      const image = await contentOf(file);
      const onRetry = (cause: Error, pauseMs: number) => tellEvent({ kind: 'disconnected', cause, pauseMs });
      const accepted = await client.submit({ transaction, image, name: basename(file), onRetry }).catch((error) => {
        throw naming(file, asUsage(error));
      });
      process.stdout.write(`${JSON.stringify({ file, ...accepted })}\n`);
    }
  });
}

/** Of several files the one that is refused has to be found. */
function naming(file: string, cause: unknown): Error {
  const message = `${file}: ${cause instanceof Error ? cause.message : cause}`;
  return cause instanceof UsageError ? new UsageError(message, { cause }) : new Error(message, { cause });
}

async function contentOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
