/** Creates a volume: prepared under another name and renamed when it is whole, so that no half of one is ever found. */
import { renameSync, rmSync } from 'node:fs';
import Database from 'better-sqlite3';
import { CHAIN_START } from './chain-hash.ts';
import { journalError } from './errors.ts';
import { COMPANIONS, syncFolder, UNFINISHED, volumePath } from './volume-files.ts';
import { ANY_CLIENT, FORMAT, PAGE_BYTES, SCHEMA } from './volume-schema.ts';

export interface NewVolume {
  readonly epoch: string;
  /** Not above the first offset that goes in. */
  readonly base: number;
  readonly position: number;
  /** Base of the oldest volume retained. */
  readonly floor: number;
  /** ms */
  readonly now: number;
  /** Path of the volume before it, whose heads are carried over so that the chains go on. */
  readonly previous?: string;
  /** Of a first volume: any client may have entries up to here, of which nothing is known. -1: none has. */
  readonly unknownUpTo?: number;
}

/** @throws {JournalUnavailableError} nothing was created */
export function createVolume(folder: string, volume: NewVolume): void {
  const path = volumePath(folder, volume.base);
  const unfinished = path + UNFINISHED;
  let database: Database.Database | undefined;
  try {
    for (const suffix of ['', '-journal', ...COMPANIONS]) rmSync(unfinished + suffix, { force: true });
    database = new Database(unfinished);
    database.pragma(`page_size = ${PAGE_BYTES}`);
    database.pragma('synchronous = FULL');
    if (volume.previous !== undefined) database.prepare('attach ? as previous').run(volume.previous);
    database.exec('begin');
    database.exec(SCHEMA);
    database
      .prepare(
        `insert into volume (one, format, epoch, base, created, appended, position, floor) values (1, ?, ?, ?, ?, ?, ?, ?)`,
      )
      .run(FORMAT, volume.epoch, volume.base, volume.now, volume.now, volume.position, volume.floor);
    if (volume.previous !== undefined) {
      database.exec(
        `insert into client (no, name, head, count, time, bytes, chain)
         select no, name, head, count, time, 0, chain from previous.client`,
      );
    }
    const { unknownUpTo = -1 } = volume;
    if (unknownUpTo >= 0) {
      database
        .prepare('insert into client (no, name, head, count, time, bytes, chain) values (0, ?, ?, 0, 0, 0, ?)')
        .run(ANY_CLIENT, unknownUpTo, CHAIN_START);
    }
    database.exec('commit');
    if (volume.previous !== undefined) database.exec('detach previous');
    database.pragma('journal_mode = WAL');
    database.close();
    renameSync(unfinished, path);
    syncFolder(folder);
  } catch (error) {
    database?.close();
    throw journalError(error, path);
  }
}
