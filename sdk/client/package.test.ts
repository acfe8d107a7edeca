/** The client library as it is installed from a package: plain JavaScript for Node and bundlers, declarations for TypeScript. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-client-'));
  const modules = join(folder, 'node_modules');
  const installed = join(modules, 'sluice-client');
  await mkdir(installed, { recursive: true });
  execFileSync('node', [join(ROOT, 'sdk/tools/build-client.ts'), join(installed, 'dist')]);
  await cp(join(ROOT, 'sdk/client/package.json'), join(installed, 'package.json'));
  await symlink(join(ROOT, 'node_modules/@protobuf-ts'), join(modules, '@protobuf-ts'));
}, 300_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

test('JavaScript imports it without a build', async () => {
  const program = `
    import { createClient } from 'sluice-client';
    import { GapError, ProblemError } from 'sluice-client/errors';
    import { mirror } from 'sluice-client/mirror';
    import { isMessageOf } from 'sluice-client/payloads';
    const refuses = async () => new Response('{"type":"/problems/unauthenticated"}', { status: 401 });
    const client = createClient({ url: 'http://sluice.example', token: 't', fetch: refuses });
    const error = await client.firehose().next().catch((error) => error);
    console.log(error instanceof ProblemError, error.type, typeof mirror, typeof isMessageOf, GapError.name);
  `;
  await writeFile(join(folder, 'program.js'), program);
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  const output = execFileSync('node', ['--no-experimental-strip-types', 'program.js'], {
    cwd: folder,
    encoding: 'utf8',
  });
  expect(output.trim()).toBe('true /problems/unauthenticated function function GapError');
});

test('TypeScript knows the payload of each message type', async () => {
  const program = (expression: string) => `
    import { createClient } from 'sluice-client';
    import { isMessageOf } from 'sluice-client/payloads';
    for await (const message of createClient({ url: '', token: '' }).firehose({ from: 'earliest' }))
      if (isMessageOf(message, 'ocr.v1m0.TextLine')) { const it: string = ${expression}; void it; }
    export {};
  `;
  const check = async (expression: string) => {
    await writeFile(join(folder, 'program.ts'), program(expression));
    try {
      const options = [
        '--noEmit',
        '--strict',
        '--module',
        'nodenext',
        '--target',
        'es2024',
        '--lib',
        'esnext,dom',
        '--types',
        '',
      ];
      execFileSync('tsc', [...options, 'program.ts'], { cwd: folder, encoding: 'utf8' });
      return '';
    } catch (error) {
      return (error as { stdout: string }).stdout;
    }
  };
  expect(await check('message.payload.text')).toBe('');
  expect(await check('message.payload.confidence')).toContain("Type 'number' is not assignable to type 'string'");
});
