/** The client library against scripted servers: what it does when connections break, repeat and lie. */
import { expect, test } from 'vitest';
import { createClient } from './client.ts';
import { GapError, ProblemError, StreamEndedError } from './errors.ts';
import type { FirehoseEvent } from './firehose.ts';
import { goodbye, hello, message, type Script, serve, write } from './testing/scripted-server.ts';

test('a broken connection is taken up after the last message, and what comes twice is dropped', async () => {
  let cut = () => {};
  const { bodies, client } = await serve(
    (response) => {
      write(response, hello(-1), message(2, -1), message(5, 2));
      cut = () => response.destroy();
    },
    (response) => {
      write(response, hello(5), message(5, 2), message(7, 5), goodbye('until', true));
      response.end();
    },
  );
  const offsets: number[] = [];
  for await (const { offset } of client.firehose({ from: 'earliest' })) {
    offsets.push(offset);
    if (offset === 5) cut();
  }
  expect(offsets).toEqual([2, 5, 7]);
  expect(bodies.map(({ from }) => from)).toEqual(['earliest', { epoch: 'e1', offset: 5 }]);
});

test('a message cut in half by the end of the connection comes whole the second time', async () => {
  let cut = () => {};
  const { client } = await serve(
    (response) => {
      const half = '{"kind":"message","offset":5';
      response.write(`${[hello(-1), message(2, -1)].map((frame) => JSON.stringify(frame)).join('\n')}\n${half}`);
      cut = () => response.destroy();
    },
    (response) => {
      write(response, hello(2), message(5, 2), goodbye('until', true));
      response.end();
    },
  );
  const offsets: number[] = [];
  for await (const { offset } of client.firehose({ from: 'earliest' })) {
    offsets.push(offset);
    if (offset === 2) cut();
  }
  expect(offsets).toEqual([2, 5]);
});

test('a hole in the prev chain is a GapError, or is told and passed where the caller wants to go on', async () => {
  const script: Script = (response) => {
    write(response, hello(-1), message(2, -1), message(9, 7), goodbye('until', true));
    response.end();
  };
  const { client } = await serve(script);
  const drain = async (options: object) => {
    const offsets: number[] = [];
    for await (const { offset } of client.firehose({ from: 'earliest', ...options })) offsets.push(offset);
    return offsets;
  };
  await expect(drain({})).rejects.toMatchObject({ name: 'GapError', after: 2, next: 9 });
  const events: FirehoseEvent[] = [];
  expect(await drain({ gap: 'continue', onEvent: (event: FirehoseEvent) => events.push(event) })).toEqual([2, 9]);
  expect(events.filter(({ kind }) => kind === 'gap')).toHaveLength(1);
});

test('a retired position is a GapError before the first message', async () => {
  const { client } = await serve((response) => {
    response.writeHead(410, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: '/problems/offset-retired', asked: 3, earliest: 40 }));
  });
  const first = client.firehose({ from: { offset: 3 } }).next();
  await expect(first).rejects.toBeInstanceOf(GapError);
  await expect(first).rejects.toMatchObject({ after: 3, next: 40 });
});

test('what cannot pass is thrown: a refused request, a terminal goodbye', async () => {
  const refused = await serve((response) => {
    response.writeHead(403, { 'content-type': 'application/problem+json' });
    response.end(JSON.stringify({ type: '/problems/not-granted', title: 'no', detail: 'no' }));
  });
  await expect(refused.client.firehose().next()).rejects.toBeInstanceOf(ProblemError);
  const fenced = await serve((response) => {
    write(response, hello(4), goodbye('taken_over', true, 4));
    response.end();
  });
  await expect(fenced.client.firehose().next()).rejects.toBeInstanceOf(StreamEndedError);
});

test('the pause that a goodbye asks for is kept, and its reason is told', async () => {
  const { client } = await serve(
    (response) => {
      write(response, hello(-1), goodbye('draining', false));
      response.end();
    },
    (response) => {
      write(response, hello(-1), message(1, -1), goodbye('until', true));
      response.end();
    },
  );
  const events: FirehoseEvent[] = [];
  const offsets: number[] = [];
  for await (const { offset } of client.firehose({ from: 'earliest', onEvent: (event) => events.push(event) }))
    offsets.push(offset);
  expect(offsets).toEqual([1]);
  expect(events.find(({ kind }) => kind === 'disconnected')).toMatchObject({
    pauseMs: 1,
    cause: { reason: 'draining' },
  });
});

test('an abort ends the iteration without an error', async () => {
  const { client } = await serve((response) => write(response, hello(-1), message(1, -1)));
  const abort = new AbortController();
  const offsets: number[] = [];
  for await (const { offset } of client.firehose({ from: 'earliest', signal: abort.signal })) {
    offsets.push(offset);
    setTimeout(() => abort.abort(), 10);
  }
  expect(offsets).toEqual([1]);
});

test('a refused token is asked for anew, once', async () => {
  const { client: _, bodies } = await serve(() => {});
  expect(bodies).toEqual([]);
  const asked: boolean[] = [];
  const server = await serve((response, _body, request) => {
    if (request.headers.authorization !== 'Bearer fresh') {
      response.writeHead(401).end();
      return;
    }
    write(response, hello(-1), message(1, -1), goodbye('until', true));
    response.end();
  });
  const client = createClient({
    url: `http://127.0.0.1:${server.port}`,
    token: (refused) => {
      asked.push(refused);
      return refused ? 'fresh' : 'stale';
    },
  });
  expect((await client.firehose({ from: 'earliest' }).next()).value).toMatchObject({ offset: 1 });
  expect(asked).toEqual([false, true]);
  expect(server.bodies).toHaveLength(2);
});

test('a redirect to another node of the host is followed with the token, and after its loss the first URL is asked again', async () => {
  const asked: (string | undefined)[] = [];
  let cut = () => {};
  const nodes = await Promise.all(
    ['first', 'second'].map((name) =>
      serve((response, _body, request) => {
        asked.push(`${name} ${request.headers.authorization}`);
        write(
          response,
          ...(name === 'first' ? [hello(-1), message(1, -1)] : [hello(1), message(3, 1), goodbye('until', true)]),
        );
        if (name === 'first') cut = () => response.destroy();
        else response.end();
      }),
    ),
  );
  const entrance = await serve(
    ...nodes.map(
      ({ port }): Script =>
        (response, _body, request) => {
          response.writeHead(307, { location: `http://127.0.0.1:${port}${request.url}` }).end();
        },
    ),
  );
  const offsets: number[] = [];
  for await (const { offset } of entrance.client.firehose({ from: 'earliest' })) {
    offsets.push(offset);
    if (offset === 1) cut();
  }
  expect(offsets).toEqual([1, 3]);
  expect(asked).toEqual(['first Bearer secret', 'second Bearer secret']);
  expect(nodes[1]!.bodies[0]!.from).toEqual({ epoch: 'e1', offset: 1 });
});

test('the token is not sent on to a host that it was not meant for', async () => {
  const { bodies, port } = await serve((response) => response.end());
  const location = `http://localhost:${port}/v1/firehose`;
  const { client } = await serve((response) => response.writeHead(307, { location }).end());
  await expect(client.firehose().next()).rejects.toMatchObject({ name: 'UntrustedRedirectError', location });
  expect(bodies).toEqual([]);
});

test('nodes that send a request to each other are asked again later', async () => {
  const { client, bodies } = await serve((response, _body, request) => {
    if (bodies.length > 5) write(response, hello(-1), message(1, -1));
    else response.writeHead(307, { location: request.url! }).end();
  });
  expect((await client.firehose({ from: 'earliest' }).next()).value).toMatchObject({ offset: 1 });
});

test('where the platform hides the target of a redirect, as browsers do, it is left to follow by itself', async () => {
  const modes: unknown[] = [];
  const browser: typeof fetch = async (_url, init) => {
    modes.push(init?.redirect);
    const frames = [hello(-1), message(1, -1), goodbye('until', true)].map((frame) => `${JSON.stringify(frame)}\n`);
    if (init?.redirect === 'follow') return new Response(frames.join(''));
    return Object.defineProperty(new Response(null), 'type', { value: 'opaqueredirect' });
  };
  const client = createClient({ url: 'https://sluice.example', token: 'secret', fetch: browser });
  expect((await client.firehose({ from: 'earliest' }).next()).value).toMatchObject({ offset: 1 });
  expect(modes).toEqual(['manual', 'follow']);
});
