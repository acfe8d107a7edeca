/** Every link of a document that stays within the repository leads somewhere, to a heading that exists too. */
import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENTS = globSync('{*,docs/**/*,sdk/**/*,loadtest/**/*,gateway/**/*,vision/**/*}.md', { cwd: ROOT }).sort();
const LINK = /\]\(([^)\s]+)\)/g;
const HEADING = /^#+ (.+)$/gm;

test.each(DOCUMENTS)('the links of %s', (document) => {
  const text = readFileSync(join(ROOT, document), 'utf8');
  const dead = [...text.matchAll(LINK)]
    .map(([, target]) => target!)
    .filter((target) => !leadsSomewhere(document, target));
  expect(dead).toEqual([]);
});

function leadsSomewhere(document: string, target: string): boolean {
  if (/^[a-z]+:/.test(target)) return true;
  const [path, anchor] = target.split('#') as [string, string?];
  const file = path === '' ? join(ROOT, document) : join(ROOT, dirname(document), path);
  if (!existsSync(file)) return false;
  return anchor === undefined || !file.endsWith('.md') || anchorsOf(readFileSync(file, 'utf8')).includes(anchor);
}

/** As GitHub makes them of headings. */
function anchorsOf(text: string): string[] {
  return [...text.matchAll(HEADING)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, '')
      .replace(/\s/g, '-'),
  );
}
