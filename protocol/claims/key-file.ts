/** Files that hold private keys as a JSON Web Key Set: whole or not at all, and readable by their owner alone. */
import { randomUUID } from 'node:crypto';
import { link, rename, unlink, writeFile } from 'node:fs/promises';

/** Two processes may start on one folder at once: linking a finished file lets exactly one of them win. */
export async function createKeyFile(file: string, keys: readonly object[]): Promise<void> {
  const draft = await writeDraft(file, keys);
  try {
    await link(draft, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await unlink(draft);
  }
}

export async function replaceKeyFile(file: string, keys: readonly object[]): Promise<void> {
  await rename(await writeDraft(file, keys), file);
}

async function writeDraft(file: string, keys: readonly object[]): Promise<string> {
  const draft = `${file}.${randomUUID()}`;
  await writeFile(draft, `${JSON.stringify({ keys }, null, 2)}\n`, { mode: 0o600, flush: true });
  return draft;
}
