import fastify from 'fastify';
import { afterAll, expect, test } from 'vitest';
import { registerConsole } from './console-routes.ts';

const server = fastify();
await registerConsole(server);
afterAll(() => server.close());

const get = (url: string, headers = {}) => server.inject({ url, headers });

test('every module that the page imports is served, as JavaScript', async () => {
  const index = (await get('/console')).body;
  const { imports } = JSON.parse(/<script type="importmap">([^<]*)</.exec(index)![1]!);
  const seen = new Set<string>();
  const queue = ['/console/page/main.js'];
  for (let path = queue.pop(); path !== undefined; path = queue.pop()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const response = await get(path);
    expect(response.statusCode, path).toBe(200);
    expect(response.headers['content-type']).toMatch(/^text\/javascript/);
    for (const [, specifier] of response.body.matchAll(/\b(?:from|import) ?["']([\w./@-]+)["']/g))
      queue.push(imports[specifier!] ?? new URL(specifier!, `http://x${path}`).pathname);
  }
  expect(seen.size).toBeGreaterThan(10);
});

test('an unchanged file is not sent again', async () => {
  const { headers } = await get('/console/page/style.css');
  expect((await get('/console/page/style.css', { 'if-none-match': headers.etag })).statusCode).toBe(304);
});

test('nothing outside the listed files is served', async () => {
  for (const path of ['/console/page/../console-files.ts', '/console/page/tsconfig.json', '/console/%2e%2e/main.ts'])
    expect((await get(path)).statusCode).toBe(404);
});

test('the page may load from nowhere else', async () => {
  const { headers, body } = await get('/console');
  expect(headers['content-security-policy']).toMatch(/^default-src 'none'/);
  expect(headers['content-security-policy']).not.toMatch(/unsafe|https?:|\*/);
  expect(body).not.toMatch(/https?:\/\//);
});
