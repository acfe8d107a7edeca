/** Nothing is read from the connection while nobody asks for the next message. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { createClient } from './client.ts';

const MESSAGES = 2_000;
const FILL = 'x'.repeat(16 << 10);

const hello = {
  kind: 'hello',
  stream: 's',
  epoch: 'e1',
  offset: -1,
  earliest: 0,
  latest: MESSAGES - 1,
  heartbeat_ms: 60_000,
};
const message = (offset: number) => ({ kind: 'message', offset, prev: offset - 1, type: 'x', payload: { fill: FILL } });
const goodbye = {
  kind: 'goodbye',
  reason: 'until',
  terminal: true,
  epoch: 'e1',
  offset: MESSAGES - 1,
  retry_after_ms: 0,
};

test('a consumer that pauses holds the server up, and then gets the rest', async () => {
  let written = 0;
  let stuck = () => {};
  const isStuck = new Promise<void>((resolve) => {
    stuck = resolve;
  });
  const server = createServer((request, response) => {
    request.resume();
    response.write(`${JSON.stringify(hello)}\n`);
    const more = () => {
      while (written < MESSAGES) if (!response.write(`${JSON.stringify(message(written++))}\n`)) return waitForDrain();
      response.end(`${JSON.stringify(goodbye)}\n`);
    };
    const waitForDrain = () => {
      // What the kernel takes is taken at once: after so long without a drain nobody reads.
      const timer = setTimeout(stuck, 500);
      response.once('drain', () => {
        clearTimeout(timer);
        more();
      });
    };
    more();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const offsets: number[] = [];
    for await (const { offset } of createClient({ url, token: 't' }).firehose({ from: 'earliest' })) {
      if (offset === 0) {
        await isStuck;
        // Buffers of the sockets hold some; by far the most of the 32 MB has not left the server.
        expect(written).toBeLessThan(MESSAGES * 0.75);
      }
      offsets.push(offset);
    }
    expect(offsets).toEqual([...Array(MESSAGES).keys()]);
  } finally {
    server.close().closeAllConnections();
  }
});
