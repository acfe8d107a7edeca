import type { LookupAddress } from 'node:dns';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Client } from 'undici';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { publicConnector } from './connect.ts';
import { TargetRefused } from './target.ts';

let server: Server;
let port: number;
let requests = 0;

beforeAll(async () => {
  server = createServer((_request, response) => {
    requests += 1;
    response.end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => server.close());

/** Requests a URL with names that resolve as given. */
async function get(host: string, addresses: readonly string[], allowLoopback = false): Promise<number> {
  const found: LookupAddress[] = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  const connect = publicConnector({ allowLoopback, connectTimeoutMs: 2000 }, (_host, done) => done(null, found));
  const client = new Client(`http://${host}:${port}`, { connect });
  try {
    const { statusCode, body } = await client.request({ method: 'GET', path: '/' });
    await body.dump();
    return statusCode;
  } finally {
    await client.destroy();
  }
}

test('development may reach this machine, so the server is there', async () => {
  expect(await get('127.0.0.1', [], true)).toBe(200);
  expect(await get('rebound.example', ['127.0.0.1'], true)).toBe(200);
});

test.each(['127.0.0.1', '2130706433', '0x7f.1', '[::ffff:127.0.0.1]'])('the literal %s is refused', async (host) => {
  const before = requests;
  await expect(get(host, [])).rejects.toThrow(TargetRefused);
  expect(requests).toBe(before);
});

test('a name that leads inside is refused', async () => {
  await expect(get('rebound.example', ['127.0.0.1'])).rejects.toThrow(TargetRefused);
  await expect(get('rebound.example', ['::ffff:127.0.0.1'])).rejects.toThrow(TargetRefused);
});

test('one bad address among good ones refuses the name, whichever would have been tried first', async () => {
  await expect(get('rebound.example', ['93.184.215.14', '127.0.0.1'])).rejects.toThrow(TargetRefused);
});

test('a name is looked up for each connection: one that is bound anew gains nothing', async () => {
  const answers = ['127.0.0.1', '10.0.0.1', '169.254.169.254'];
  const asked: string[] = [];
  const connect = publicConnector({ allowLoopback: true, connectTimeoutMs: 2000 }, (host, done) => {
    asked.push(host);
    done(null, [{ address: answers[asked.length - 1]!, family: 4 }]);
  });
  const once = async () => {
    const client = new Client(`http://rebound.example:${port}`, { connect });
    try {
      const { body } = await client.request({ method: 'GET', path: '/' });
      await body.dump();
    } finally {
      await client.destroy();
    }
  };
  await once();
  const before = requests;
  await expect(once()).rejects.toThrow(TargetRefused);
  await expect(once()).rejects.toThrow(TargetRefused);
  expect(asked).toHaveLength(3);
  expect(requests).toBe(before);
});

test('a name without an address fails', async () => {
  await expect(get('nowhere.example', [])).rejects.toThrow('has no address');
});
