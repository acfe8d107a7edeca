/** The daily usage roll-up as a table of a partition's store. It changes together with the facts that it counts. */
import type { Database } from 'better-sqlite3';
import type { Usage, UsageDelta } from './usage.ts';

const COLUMNS = ['images', 'bytes', 'results', 'completions', 'failures', 'summaries'] as const;

export interface DailyUsage extends Usage {
  readonly day: string;
}

export function createUsageTable(database: Database): void {
  database.exec(`
    CREATE TABLE usage (
      client TEXT NOT NULL,
      day TEXT NOT NULL,
      ${COLUMNS.map((column) => `${column} INTEGER NOT NULL`).join(', ')},
      PRIMARY KEY (client, day)
    ) WITHOUT ROWID`);
}

export function addUsage(database: Database, deltas: readonly UsageDelta[]): void {
  const add = database.prepare(`
    INSERT INTO usage (client, day, ${COLUMNS.join(', ')})
    VALUES (:client, :day, ${COLUMNS.map((column) => `:${column}`).join(', ')})
    ON CONFLICT (client, day) DO UPDATE SET ${COLUMNS.map((column) => `${column} = ${column} + excluded.${column}`).join(', ')}`);
  for (const delta of deltas) add.run(delta);
}

/** Days in which something happened, ascending. @param from first day, @param to last day, both "YYYY-MM-DD" and inclusive */
export function readUsage(database: Database, client: string, from: string, to: string): DailyUsage[] {
  return database
    .prepare<[string, string, string], DailyUsage>(
      `SELECT day, ${COLUMNS.join(', ')} FROM usage WHERE client = ? AND day BETWEEN ? AND ? ORDER BY day`,
    )
    .all(client, from, to);
}

export function expireUsage(database: Database, before: string): void {
  database.prepare('DELETE FROM usage WHERE day < ?').run(before);
}
