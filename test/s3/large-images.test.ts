/** The whole system with its large images in an S3-compatible store, and what clients see while that store is away. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { ClientProgram } from '../crash/client-program.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';
import { smallImage } from '../kafka/roles-on-kafka.ts';
import { ACCESS_KEY, type S3Server, startS3Server } from './s3-server.ts';

const PATIENCE = { timeout: 60_000, interval: 100 };

describe.skipIf(!inject('kafkaIsHere'))('images in an S3-compatible store', { timeout: 120_000 }, () => {
  let folder: string;
  let server: S3Server;
  let sluice: SluiceProcess;
  let data: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sluice-s3-images-'));
    server = await startS3Server(folder, ['images']);
    data = join(folder, 'data');
    const settings = {
      data,
      port: '0',
      'vision-synthetic-enabled': 'true',
      // Every image is large.
      'gateway-max-inline-image-bytes': '0',
      'blobs-store': 's3',
      'blobs-s3-endpoint': server.endpoint,
      'blobs-s3-bucket': 'images',
      'blobs-s3-access-key-id': ACCESS_KEY.accessKeyId,
      'blobs-s3-secret-access-key': ACCESS_KEY.secretAccessKey,
      'blobs-s3-timeout-ms': '500',
      'blobs-s3-attempts': '2',
    };
    sluice = await startSluice(['up', ...Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value])]);
  }, 300_000);
  afterAll(async () => {
    await sluice?.kill();
    await server?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  /** A client that no other try of a test has been. */
  const newProgram = () =>
    new ClientProgram(runSluice(['token', '--client', `alice-${randomUUID()}`, '--data', data]).trim());
  const submitted = async (program: ClientProgram) =>
    program.submitAll(() => sluice.url, [{ transaction: 't', image: await smallImage() }]);

  test('an image travels through the store to every service', async () => {
    const program = newProgram();
    await submitted(program);
    expect(await readdir(server.bucketFolder('images'))).toHaveLength(1);
    const completed = (type: string) => type === 'completion.v1m0.ServiceCompleted';
    const messages = await readFirehose(
      sluice.url,
      program.token,
      (seen) => seen.filter(({ type }) => completed(type)).length >= 3,
      60_000,
    );
    expect(messages.filter(({ type }) => completed(type))).toHaveLength(3);
  });

  test('while the store is away images are refused for now and /readyz tells why; afterwards they are taken', async () => {
    const program = newProgram();
    server.signal('SIGSTOP');
    const submitting = submitted(program);
    try {
      await expect.poll(() => program.refused.get(503) ?? 0, PATIENCE).toBeGreaterThan(0);
      const blobs = async () => {
        const { roles } = (await fetch(`${sluice.url}/readyz`).then((response) => response.json())) as {
          roles: { role: string; ready: boolean; detail: string }[];
        };
        return roles.find(({ role }) => role === 'blobs');
      };
      await expect.poll(blobs, PATIENCE).toMatchObject({ ready: true, detail: expect.stringContaining('wait') });
    } finally {
      server.signal('SIGCONT');
    }
    await submitting;
    expect(program.accepted.size).toBe(1);
  });
});
