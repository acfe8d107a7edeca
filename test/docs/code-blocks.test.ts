/**
 * Every code block of the documents does what it says: shell is executed against a running deployment, one document after the
 * other and its blocks in their order; TypeScript is checked and run; JSON is parsed.
 *
 * Blocks without a language are pictures. Commands that cannot be run here say why, and are checked as far as that goes: their
 * syntax, and that the npm scripts and `sluice` commands that they name exist.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { globSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { type CodeBlock, codeBlocksOf } from './code-blocks.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const DOCUMENTS = globSync(['README.md', 'CONTRIBUTING.md', 'docs/**/*.md', 'sdk/**/*.md', 'loadtest/**/*.md'], {
  cwd: ROOT,
}).sort();
/** A machine that stalls must not fail a block. */
const BLOCK_TIMEOUT_MS = 180_000;
const STREAM_MS = 4_000;
const PICTURES = ['', 'text', 'mermaid', 'http'];

let folder: string;
let sluice: SluiceProcess;
let environment: NodeJS.ProcessEnv;
const background: ChildProcess[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-docs-'));
  const data = join(folder, 'data');
  sluice = await startSluice(['up', '--data', data, '--port', '0', '--vision-synthetic-enabled', 'true']);
  environment = {
    ...process.env,
    PATH: `${join(ROOT, 'node_modules', '.bin')}:${dirname(process.execPath)}:${process.env.PATH}`,
    // What the documents tell the reader to set.
    SLUICE_URL: sluice.url,
    SLUICE_TOKEN: runSluice(['token', '--client', 'reader', '--data', data]).trim(),
    SLUICE_DATA: data,
    OUT: join(folder, 'out'),
  };
}, 300_000);

afterAll(async () => {
  for (const child of background) stop(child);
  await sluice?.kill();
  await rm(folder, { recursive: true, force: true });
});

const examples = DOCUMENTS.map((document) => ({
  document,
  blocks: codeBlocksOf(readFileSync(join(ROOT, document), 'utf8')).filter(
    ({ language }) => !PICTURES.includes(language),
  ),
})).filter(({ blocks }) => blocks.length > 0);

describe.each(examples)('$document', ({ blocks }) => {
  test.each(blocks.map((block) => [`${block.language} of line ${block.line}`, block] as const))(
    '%s',
    {
      timeout: BLOCK_TIMEOUT_MS + 10_000,
      retry: 0,
    },
    (_, block) => execute(block),
  );
});

async function execute(block: CodeBlock): Promise<void> {
  switch (block.language) {
    case 'sh':
      return block.how === 'not-executed' ? checkShell(block) : runShell(block);
    case 'ts':
      return runTypeScript(block);
    case 'json':
      // A document may show several values, one a line.
      for (const text of isJson(block.code) ? [block.code] : block.code.split('\n')) JSON.parse(text);
      return;
    default:
      expect(block.how, `who executes ${block.language}?`).toBe('not-executed');
      expect(block.reason).not.toBe('');
  }
}

async function runShell({ code, how }: CodeBlock): Promise<void> {
  expect(code, 'this would run under the feet of the tests').not.toMatch(/\bnpm (ci|i|install|test)\b|\bsudo\b/);
  const child = spawn('bash', ['-euo', 'pipefail', '-c', code], { cwd: ROOT, env: environment, detached: true });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream!.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const ended = once(child, 'exit').then(([status]) => status as number | null);
  const read = once(child, 'close');
  switch (how) {
    case 'background':
      background.push(child);
      return;
    case 'stream': {
      const status = await Promise.race([ended, sleep(STREAM_MS).then(() => 'running')]);
      stop(child);
      await read;
      expect([0, 'running'], output).toContain(status);
      expect(output).not.toContain('"type":"/problems/');
      return;
    }
    default: {
      const timer = setTimeout(() => stop(child), BLOCK_TIMEOUT_MS);
      const status = await ended;
      clearTimeout(timer);
      expect(status, output).toBe(0);
      // curl is content with any answer.
      expect(output).not.toContain('"type":"/problems/');
    }
  }
}

function stop(child: ChildProcess): void {
  if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
}

/** What can be known of a command without running it. */
function checkShell({ code, reason }: CodeBlock): void {
  expect(reason).not.toBe('');
  const { status, stderr } = spawnSync('bash', ['-n', '-c', code], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  const { scripts } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { scripts: object };
  for (const [, script] of code.matchAll(/\bnpm (?:run )?(?!ci\b|i\b|install\b|pack\b|exec\b)([a-z][\w:-]*)/g))
    expect(Object.keys(scripts)).toContain(script);
  for (const [, command] of code.matchAll(/\bnpx sluice ((?:[a-z][a-z-]*\s?)+)/g))
    execFileSync(process.execPath, ['sluice.ts', ...command!.trim().split(' '), '--help'], { cwd: ROOT });
}

async function runTypeScript({ code, how, reason }: CodeBlock): Promise<void> {
  if (how === 'not-executed') {
    expect(reason).not.toBe('');
    return;
  }
  // Inside the repository, for the imports to lead somewhere.
  const file = join(ROOT, 'test', 'docs', `.block-${process.pid}.ts`);
  try {
    const sources = code
      .replaceAll(/from '\.\/(sdk|protocol|vision)\//g, "from '../../$1/")
      .replaceAll(/from 'sluice-client(?:\/(\w+))?'/g, (_, part = 'client') => `from '../../sdk/client/${part}.ts'`);
    await writeFile(file, sources);
    await runShell({ language: 'sh', code: `node ${file}`, line: 0, how, reason: '' });
  } finally {
    await rm(file, { force: true });
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
