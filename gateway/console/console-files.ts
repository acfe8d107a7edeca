/** The files of the console, read once: the page's own modules as they are, and the packages that they import. */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ConsoleFile {
  readonly content: Buffer;
  readonly mediaType: string;
  readonly etag: string;
}

const PAGE = fileURLToPath(new URL('page/', import.meta.url));
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
};
/** By the names that the page's import map gives them. */
const PACKAGES: Readonly<Record<string, string>> = {
  'preact.js': 'preact',
  'preact-hooks.js': 'preact/hooks',
  'htm.js': 'htm',
  'htm-preact.js': 'htm/preact',
};

/** By path below /console: `page/main.js`, `packages/preact.js`. */
export function consoleFiles(): ReadonlyMap<string, ConsoleFile> {
  const own = readdirSync(PAGE)
    .filter((name) => extname(name) in MEDIA_TYPES)
    .map((name) => [`page/${name}`, fileAt(join(PAGE, name))] as const);
  const packages = Object.entries(PACKAGES).map(
    ([name, specifier]) => [`packages/${name}`, fileAt(fileURLToPath(import.meta.resolve(specifier)))] as const,
  );
  return new Map([...own, ...packages]);
}

/**
 * What the page may load: its own files, its one inline import map by hash, pictures that the person chose, and
 * nothing from anywhere else.
 */
export function contentSecurityPolicy(index: ConsoleFile): string {
  const importMap = /<script type="importmap">([^<]*)<\/script>/.exec(index.content.toString('utf8'))![1]!;
  return [
    "default-src 'none'",
    `script-src 'self' 'sha256-${createHash('sha256').update(importMap).digest('base64')}'`,
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
  ].join('; ');
}

function fileAt(path: string): ConsoleFile {
  const content = readFileSync(path);
  const hash = createHash('sha256').update(content).digest('base64url').slice(0, 22);
  return { content, mediaType: MEDIA_TYPES[extname(path)]!, etag: `"${hash}"` };
}
