/** What a named consumer has handled is checkpointed, whatever becomes of its connections. */
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { hello, message, serve, write } from './testing/scripted-server.ts';

test("a checkpoint that cannot be written now is made good by the next, and one of a lost stream is nobody's fault", async () => {
  const written: { offset: number; stream: string }[] = [];
  const answers = [503, 409, 200];
  let stream = 0;
  let first: ServerResponse | undefined;
  let conflict: ServerResponse | undefined;
  const { client } = await serve((response, body, request) => {
    if (request.method === 'PUT') {
      const checkpoint = body as unknown as { offset: number; stream: string };
      const status = answers.shift() ?? 200;
      if (status === 200) written.push(checkpoint);
      if (status !== 409) return response.writeHead(status).end('{}');
      conflict = response;
      first!.destroy();
      return;
    }
    stream++;
    // It is about a stream that is gone by the time that it is told.
    if (stream === 2) conflict?.writeHead(409).end('{}');
    const at = stream === 1 ? 0 : 3;
    write(
      response,
      { ...hello(at - 1), stream: `s${stream}` },
      message(at, at - 1),
      message(at + 1, at),
      message(at + 2, at + 1),
    );
    first ??= response;
  });
  const offsets: number[] = [];
  for await (const { offset } of client.firehose({ from: { consumer: 'w' }, checkpointMs: 0 })) {
    offsets.push(offset);
    await new Promise((resolve) => setTimeout(resolve, offset < 3 ? 10 : 150));
    if (offset === 5) break;
  }
  expect(offsets).toEqual([0, 1, 2, 3, 4, 5]);
  expect(stream).toBe(2);
  expect(written.at(-1)).toMatchObject({ offset: 4, stream: 's2' });
});

test('what was handled before a quiet time is checkpointed in it', async () => {
  const written: number[] = [];
  const abort = new AbortController();
  const { client } = await serve((response, body, request) => {
    if (request.method !== 'PUT') return write(response, hello(-1), message(0, -1), message(1, 0), message(2, 1));
    written.push((body as unknown as { offset: number }).offset);
    response.end('{}');
    if (written.at(-1) === 2) abort.abort();
  });
  const from = { consumer: 'w' };
  for await (const _ of client.firehose({ from, checkpointMs: 30, signal: abort.signal }));
  expect(written.at(-1)).toBe(2);
});
