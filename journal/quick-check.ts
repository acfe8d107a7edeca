/** SQLite's own checks of a volume's pages and indexes. */
import type Database from 'better-sqlite3';
import { JournalDamagedError } from './errors.ts';

/** @throws {JournalDamagedError} naming the first findings */
export function quickCheck(database: Database.Database, path: string): void {
  const findings = sqliteFindings(database, 'quick_check');
  if (findings.length > 0) throw new JournalDamagedError(`${path} is damaged: ${findings.slice(0, 3).join('; ')}`);
}

/** Findings of SQLite, none where the file is sound. quick_check skips the comparison of indexes with their tables. */
export function sqliteFindings(database: Database.Database, check: 'quick_check' | 'integrity_check'): string[] {
  try {
    const lines = database.pragma(check) as Record<string, string>[];
    return lines.map((line) => line[check] ?? '').filter((text) => text !== 'ok');
  } catch (error) {
    // Damage can be such that the check itself cannot go on.
    const { code, message } = error as Error & { code?: string };
    if (code?.startsWith('SQLITE_CORRUPT') || code === 'SQLITE_NOTADB') return [message];
    throw error;
  }
}
