/** As an operator meets it: a command that is told to use what is not there. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { RunningCommand } from '../../test/harness/run-command.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-check-start-'));
});
afterAll(() => rm(folder, { recursive: true }));

const MISSING = '/nowhere/missing.pem';

test.each<[string, string[], RegExp]>([
  [
    'a certificate that is not there',
    ['up', '--tls-cert-file', MISSING, '--tls-key-file', MISSING],
    /tlsCertFile \(--tls-cert-file, SLUICE_TLS_CERT_FILE\) names '\/nowhere\/missing\.pem', which cannot be read: ENOENT/,
  ],
  [
    'a certificate without its key',
    ['gateway', '--tls-cert-file', MISSING],
    /tlsCertFile .* and tlsKeyFile \(--tls-key-file, SLUICE_TLS_KEY_FILE\) belong together/,
  ],
  [
    'authorities of receivers that are not there',
    ['push', '--push-tls-ca-file', MISSING],
    /push\.tls\.caFile \(--push-tls-ca-file, SLUICE_PUSH_TLS_CA_FILE\) names/,
  ],
  [
    'a folder in place of the authority of brokers, for a role',
    ['firehose', '--log', 'kafka', '--kafka-tls', 'true', '--kafka-tls-ca-file', '/'],
    /kafka\.tlsCaFile \(--kafka-tls-ca-file, SLUICE_KAFKA_TLS_CA_FILE\) names '\/', which cannot be read: EISDIR/,
  ],
  [
    'an authority of brokers that is not there, for a command',
    ['dlq', 'list', '--log', 'kafka', '--kafka-tls', 'true', '--kafka-tls-ca-file', MISSING],
    /kafka\.tlsCaFile .* names/,
  ],
  [
    'an authority of brokers that is not there, for a mirror',
    ['mirror', 'kafka', 'topic', '--kafka-tls', 'true', '--kafka-tls-ca-file', MISSING],
    /kafka\.tlsCaFile .* names/,
  ],
  [
    'a vision service that there is none of',
    ['vision', '--vision-services', 'ocr-1.0,synthetic,ocrr'],
    /vision\.services \(--vision-services, SLUICE_VISION_SERVICES\): no vision service 'ocrr', only .*ocr.*, and synthetic/,
  ],
])('%s is wrong usage, named as the setting that it is', { timeout: 120_000 }, async (_what, args, message) => {
  const isMirror = args[0] === 'mirror';
  const own = isMirror ? ['--url', 'http://127.0.0.1:1', '--token', 'none'] : ['--data', join(folder, 'data')];
  const command = new RunningCommand([...args, ...own]);
  expect(await command.ended, command.stderr).toBe(2);
  expect(command.stderr).toMatch(message);
});
