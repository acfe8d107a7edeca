/** `sluice submit FILE…`: sends images as one transaction and prints their ids. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { Command } from 'commander';
import { addConnection, connect } from './connection.ts';
import { UsageError } from './errors.ts';

export function submitCommand(): Command {
  const command = new Command('submit')
    .description('Submit images as one transaction; prints one JSON line per image')
    .argument('<file...>', 'JPEG, PNG, WebP, AVIF, TIFF or GIF files')
    .option('--transaction <id>', 'The transaction; a new one by default');
  return addConnection(command).action(async (files: string[]) => {
    const client = connect(command);
    const transaction = command.opts<{ transaction?: string }>().transaction ?? randomUUID();
    for (const file of files) {
      const accepted = await client.submit({ transaction, image: await contentOf(file), name: basename(file) });
      process.stdout.write(`${JSON.stringify({ file, ...accepted })}\n`);
    }
  });
}

async function contentOf(file: string): Promise<Uint8Array> {
  try {
    return await readFile(file);
  } catch (cause) {
    throw new UsageError(`${file} cannot be read: ${(cause as Error).message}`, { cause });
  }
}
