/** The S3 store against a real server: the contract of every blob store, and what only a network can do. */
import { createHash, randomBytes, randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, beforeEach, describe, expect, inject, test } from 'vitest';
import { BlobUnavailableError } from '../../protocol/blob/blob-store.ts';
import { openBlobStores } from '../../protocol/blob/open.ts';
import { S3BlobStore, type S3BlobStoreOptions } from '../../protocol/blob/s3-blob-store.ts';
import { S3Requests } from '../../protocol/blob/s3-requests.ts';
import { BlobSettings, S3Settings } from '../../protocol/blob/settings.ts';
import { content, sha256, testBlobStore } from '../contract/blob-store.ts';
import { ACCESS_KEY, type S3Server, startS3Server } from './s3-server.ts';

const name = sha256.toString('hex');

describe.skipIf(!inject('kafkaIsHere'))('on a real server', { timeout: 180_000 }, () => {
  let folder: string;
  let server: S3Server;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-s3-'));
    server = await startS3Server(folder, ['images']);
  }, 300_000);
  afterAll(async () => {
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });
  beforeEach(async () => {
    const images = server.bucketFolder('images');
    for (const file of await readdir(images)) await rm(join(images, file), { recursive: true });
  });

  const settingsOf = (settings: Partial<S3Settings> = {}): S3Settings => ({
    ...(Value.Default(S3Settings, {}) as S3Settings),
    ...ACCESS_KEY,
    endpoint: server.endpoint,
    bucket: 'images',
    timeoutMs: 30_000,
    ...settings,
  });
  const storeOf = (settings: Partial<S3Settings> = {}, options: Partial<S3BlobStoreOptions> = {}) =>
    new S3BlobStore({ settings: settingsOf(settings), maxBytes: 1 << 20, renewAfterMs: 0, ...options });

  describe('the contract', () => {
    testBlobStore(async () => ({
      store: storeOf(),
      stored: () => readdir(server.bucketFolder('images')),
      overwrite: (file, bytes) => writeFile(join(server.bucketFolder('images'), file), bytes),
    }));
  });

  test('a deployment that moves between folder and bucket reads each blob where it was written', async () => {
    const settings = { ...(Value.Default(BlobSettings, {}) as BlobSettings), s3: settingsOf() };
    const open = (store: BlobSettings['store']) => openBlobStores({ ...settings, store }, join(folder, 'blobs'));
    const other = Buffer.from('another image');
    const otherSha256 = createHash('sha256').update(other).digest();
    await open('folder').put(sha256, content);
    const moved = open('s3');
    await moved.put(otherSha256, other);
    expect(await readdir(server.bucketFolder('images'))).toEqual([otherSha256.toString('hex')]);
    for (const stores of [moved, open('folder')]) {
      expect(await stores.get(sha256, 'folder')).toEqual(content);
      expect(await stores.get(otherSha256, 's3')).toEqual(other);
    }
  });

  test('a blob that is young enough is not sent again', async () => {
    const store = storeOf({}, { renewAfterMs: 3_600_000 });
    await store.put(sha256, content);
    const other = Buffer.from('another image, so long'.slice(0, content.length));
    await writeFile(join(server.bucketFolder('images'), name), other);
    await store.put(sha256, content);
    await expect(store.get(sha256)).rejects.toThrow('other content');
  });

  test('a blob that was cut short is written again', async () => {
    const store = storeOf({}, { renewAfterMs: 3_600_000 });
    await store.put(sha256, content);
    await writeFile(join(server.bucketFolder('images'), name), content.subarray(3));
    await store.put(sha256, content);
    expect(await store.get(sha256)).toEqual(content);
  });

  test('retirement goes through every page, and leaves what is no blob of ours', async () => {
    const store = storeOf({ prefix: 'blobs/' }, { pageSize: 3 });
    for (let n = 0; n < 10; n++) {
      const bytes = randomBytes(8);
      await store.put(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)), bytes);
    }
    await new S3Requests(settingsOf()).send({
      method: 'PUT',
      key: 'blobs/read & me.txt',
      content: { bytes: content, sha256: name },
    });
    await storeOf().put(sha256, content);
    expect(await store.retireBefore(Date.now() + 60_000)).toBe(10);
    expect((await readdir(server.bucketFolder('images'))).sort()).toEqual([name, 'blobs'].sort());
    expect(await readdir(join(server.bucketFolder('images'), 'blobs'))).toEqual(['read & me.txt']);
  });

  test('credentials may come from a file, and are refused when they are wrong', async () => {
    const credentialsFile = join(folder, `credentials-${randomUUID()}.json`);
    const store = storeOf({ credentialsFile, accessKeyId: '', secretAccessKey: '' });
    await expect(store.put(sha256, content)).rejects.toThrow(/credentials-.*json cannot be read/);
    await writeFile(credentialsFile, JSON.stringify({ AccessKeyId: 'sluice', SecretAccessKey: 'wrong' }));
    await expect(store.put(sha256, content)).rejects.toThrow(/answers 403/);
    const { accessKeyId, secretAccessKey } = ACCESS_KEY;
    await writeFile(credentialsFile, JSON.stringify({ AccessKeyId: accessKeyId, SecretAccessKey: secretAccessKey }));
    await store.put(sha256, content);
    expect(await store.get(sha256)).toEqual(content);
  });

  test('without its bucket it is unavailable, and no blob is called missing', async () => {
    const store = storeOf({ bucket: 'no-such-bucket' });
    await expect(store.check()).rejects.toThrow(BlobUnavailableError);
    await expect(store.get(sha256)).rejects.toThrow(/NoSuchBucket/);
    await expect(store.put(sha256, content)).rejects.toThrow(BlobUnavailableError);
  });

  test('a server that hangs makes it unavailable in time, and it goes on afterwards', async () => {
    const store = storeOf({ timeoutMs: 200, attempts: 2 });
    server.signal('SIGSTOP');
    try {
      await expect(store.put(sha256, content)).rejects.toThrow(BlobUnavailableError);
    } finally {
      server.signal('SIGCONT');
    }
    await expect.poll(() => store.put(sha256, content).then(() => true, String)).toBe(true);
    expect(await storeOf().get(sha256)).toEqual(content);
  });
});

describe('a server that is not well', () => {
  const stores: (() => void)[] = [];
  afterAll(() => {
    for (const close of stores) close();
  });

  async function storeOn(listener: RequestListener, attempts: number): Promise<S3BlobStore> {
    const server = createServer(listener).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    stores.push(() => server.close());
    const settings = {
      ...(Value.Default(S3Settings, {}) as S3Settings),
      ...ACCESS_KEY,
      bucket: 'images',
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}/below/a/path`,
      attempts,
    };
    return new S3BlobStore({ settings, maxBytes: 1 << 20, renewAfterMs: 0 });
  }

  test('a request is repeated after a broken connection and after "slow down"', async () => {
    const faults = ['reset', 503, 429];
    const paths: string[] = [];
    const store = await storeOn((request, response) => {
      paths.push(request.url!);
      const fault = faults.shift();
      if (fault === 'reset') request.socket.destroy();
      else response.writeHead((fault as number | undefined) ?? 200).end(fault === undefined ? content : '');
    }, 4);
    expect(await store.get(sha256)).toEqual(content);
    expect(paths).toEqual(Array(4).fill(`/below/a/path/images/${name}`));
  });

  test('it gives up after the attempts that are allowed, and says what was answered', async () => {
    let requests = 0;
    const store = await storeOn((_request, response) => {
      requests++;
      response.writeHead(503).end('<Error><Code>SlowDown</Code></Error>');
    }, 3);
    await expect(store.get(sha256)).rejects.toThrow('answers 503 (SlowDown)');
    expect(requests).toBe(3);
  });

  test('what repeating does not mend is not repeated', async () => {
    let requests = 0;
    const store = await storeOn((_request, response) => {
      requests++;
      response.writeHead(301).end();
    }, 3);
    await expect(store.get(sha256)).rejects.toThrow('answers 301');
    expect(requests).toBe(1);
  });
});
