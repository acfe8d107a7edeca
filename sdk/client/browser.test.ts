import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** Every file that a module loads at run time, itself included. */
function loaded(file: URL, seen = new Set<string>()): Set<string> {
  if (seen.has(file.href)) return seen;
  seen.add(file.href);
  const source = readFileSync(file, 'utf8');
  for (const [, what, from] of source.matchAll(/^import (type )?[^;]*?from '([^']+)';/gms)) {
    if (what === undefined && from!.startsWith('.')) loaded(new URL(from!, file), seen);
    else if (what === undefined) seen.add(from!);
  }
  return seen;
}

test('the client loads nothing that a browser does not have', () => {
  const files = [
    ...loaded(new URL('./client.ts', import.meta.url)),
    ...loaded(new URL('./mirror.ts', import.meta.url)),
  ];
  expect(files.filter((file) => !file.startsWith('file:'))).toEqual([]);
  expect(files.filter((file) => readFileSync(new URL(file), 'utf8').match(/\bprocess\.|\bBuffer\b/))).toEqual([]);
});
