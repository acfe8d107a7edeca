/** `sluice tail` as a person and a pipe use it: the real command against a real firehose. */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { TestNode } from '../../firehose/testing/node.ts';
import { RunningCommand } from '../harness/run-command.ts';

const MAIN = fileURLToPath(new URL('../../sluice.ts', import.meta.url));
const WAIT = { timeout: 60_000 };

let node: TestNode;
beforeAll(async () => {
  // A tail that hears nothing for three heartbeats says so on stderr, of which the tests want to see that it is empty.
  node = await TestNode.start({ heartbeatMs: 20_000, drainRetryMs: 20, drainSpreadMs: 50 });
});
afterAll(() => node[Symbol.asyncDispose]());

const numbered = (count: number) =>
  Array.from({ length: count }, (_, n) => ({ text: `${n}`, transaction: `t${n % 2}` }));

async function tail(client: string, ...args: string[]): Promise<RunningCommand> {
  return new RunningCommand(['tail', ...args], { SLUICE_URL: node.url, SLUICE_TOKEN: await node.token(client) });
}

async function output(client: string, ...args: string[]): Promise<string[]> {
  const command = await tail(client, '--no-follow', ...args);
  expect({ code: await command.ended, stderr: command.stderr }).toEqual({ code: 0, stderr: '' });
  return command.lines;
}

const texts = (lines: readonly string[]) => lines.map((line) => JSON.parse(line).payload.text);

test('piped it prints whole messages as NDJSON, chosen by filter, type and transaction', async () => {
  const reader = `ann-${randomUUID()}`;
  await node.produce(reader, numbered(6));
  const all = await output(reader, '--since', 'earliest');
  expect(texts(all)).toEqual(['0', '1', '2', '3', '4', '5']);
  expect(all[0]).toMatch(/^\{"kind":"message","offset":\d+,"prev":-1,/);
  expect(texts(await output(reader, '--since', 'earliest', '--filter', 'int(payload.text) > 3'))).toEqual(['4', '5']);
  expect(texts(await output(reader, '--since', 'earliest', '--transactions', 't1'))).toEqual(['1', '3', '5']);
  expect(await output(reader, '--since', 'earliest', '--types', 'barcode.v1m0.Barcode')).toEqual([]);
});

test('it begins where --since says and ends where --until says: a duration, a time, an offset', async () => {
  const reader = `bob-${randomUUID()}`;
  const now = Date.now();
  const produced = await node.produce(reader, [
    { text: 'old', eventTime: now - 7_200_000 },
    { text: 'recent', eventTime: now - 60_000 },
    { text: 'new', eventTime: now },
  ]);
  expect(texts(await output(reader, '--since', '1h'))).toEqual(['recent', 'new']);
  expect(texts(await output(reader, '--since', new Date(now - 1_000).toISOString()))).toEqual(['new']);
  expect(texts(await output(reader, '--since', `${produced[0]!.offset}`, '--until', `${produced[1]!.offset}`))).toEqual(
    ['recent'],
  );
});

test('payload gives the payload alone, text a line for people, --output a file', async () => {
  const reader = `cyd-${randomUUID()}`;
  await node.produce(reader, [{ text: 'hello', confidence: 0.9 }]);
  expect(await output(reader, '--since', 'earliest', '--format', 'payload')).toEqual([
    expect.stringMatching(/^\{.*"text":"hello".*\}$/),
  ]);
  expect(await output(reader, '--since', 'earliest', '--format', 'text')).toEqual([
    expect.stringMatching(/text\s+90 % “hello”/),
  ]);
  const folder = await mkdtemp(join(tmpdir(), 'sluice-tail-'));
  try {
    const file = join(folder, 'out.ndjson');
    for (const _ of [1, 2]) expect(await output(reader, '--since', 'earliest', '--output', file)).toEqual([]);
    expect(texts((await readFile(file, 'utf8')).trimEnd().split('\n'))).toEqual(['hello', 'hello']);
  } finally {
    await rm(folder, { recursive: true });
  }
});

test('a named consumer goes on after what was printed', async () => {
  const reader = `dot-${randomUUID()}`;
  await node.produce(reader, [{ text: 'a' }, { text: 'b' }]);
  expect(texts(await output(reader, '--consumer', 'w'))).toEqual(['a', 'b']);
  await node.produce(reader, [{ text: 'c' }]);
  expect(texts(await output(reader, '--consumer', 'w'))).toEqual(['c']);
});

test('it outlives a restart of the node, says so on stderr, and ends with 0 on SIGINT', async () => {
  const reader = `eve-${randomUUID()}`;
  const { port } = new URL(node.url);
  await node.produce(reader, numbered(3));
  const command = await tail(reader, '--since', 'earliest');
  await expect.poll(() => [command.lines.length, command.stderr], WAIT).toEqual([3, '']);
  await node.stopRole();
  await expect.poll(() => command.stderr, WAIT).toMatch(/again in/);
  await node.startRole({ port: Number(port) });
  await node.produce(reader, [{ text: '3' }]);
  await expect.poll(() => texts(command.lines), WAIT).toEqual(['0', '1', '2', '3']);
  expect(command.stderr).toMatch(/^sluice: .* again in \d+\.\d s$/m);
  expect(await command.kill('SIGINT')).toBe(0);
});

test('a reader of the pipe that has seen enough ends it with 0', async () => {
  const reader = `fay-${randomUUID()}`;
  await node.produce(reader, numbered(5));
  const script = '"$0" "$1" tail --since earliest | head -n 2; echo $PIPESTATUS';
  const env = { ...process.env, SLUICE_URL: node.url, SLUICE_TOKEN: await node.token(reader) };
  const running = promisify(execFile)('bash', ['-c', script, process.execPath, MAIN], { env });
  // A pipe without a reader shows at the next write.
  const writing = setInterval(() => void node.produce(reader, [{ text: 'more' }]), 200);
  const { stdout, stderr } = await running.finally(() => clearInterval(writing));
  const lines = stdout.trimEnd().split('\n');
  expect(texts(lines.slice(0, 2))).toEqual(['0', '1']);
  expect(lines[2]).toBe('0');
  expect(stderr).toBe('');
});

test.each([
  [['--since', 'whenever'], /--since takes earliest, latest/],
  [['--format', 'xml'], /--format takes text, ndjson, payload; not 'xml'/],
  [['--rate', 'fast'], /--rate takes/],
  [['--filter', 'payload.text =='], /\/filter\/expression is refused at character/],
  [['--filter', "type == 'x'"], /\/filter\/expression is refused at character 0 \(type\): .*write message\.type/],
  [['--output', '/nowhere/file'], /--output \/nowhere\/file cannot be written/],
  [['--nonsense'], /unknown option/],
])('%j is wrong usage: exit code 2 and what is wrong', async (args, message) => {
  const command = await tail('gus', ...args);
  expect(await command.ended).toBe(2);
  expect(command.stderr).toMatch(message);
  expect(command.stdout).toBe('');
});
