/** TLS and every way to authenticate, against a broker that lets nobody in without. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Value } from 'typebox/value';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { LogUnavailableError } from '../../protocol/log/errors.ts';
import { type KafkaCluster, startKafka } from '../../protocol/log/kafka/broker/cluster.ts';
import { openKafkaLog } from '../../protocol/log/kafka/open.ts';
import { KafkaSettings } from '../../protocol/log/kafka/settings.ts';
import type { TopicDefinition } from '../../protocol/log/log.ts';

const MODULES = 'org.apache.kafka.common.security';

describe.skipIf(!inject('kafkaIsHere'))('a broker with TLS and SASL', { timeout: 180_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-kafka-'));
  const certificate = join(folder, 'certificate.pem');
  const tokenFile = join(folder, 'token');
  let cluster: KafkaCluster;

  beforeAll(async () => {
    const key = join(folder, 'key.pem');
    const subject = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync(
      'openssl',
      ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-keyout', key, '-out', certificate, ...subject],
      { stdio: 'ignore' },
    );
    writeFileSync(tokenFile, unsecuredToken('alice'));
    const listener = 'listener.name.client';
    cluster = await startKafka({
      folder,
      security: 'SASL_SSL',
      scramUsers: ['SCRAM-SHA-256=[name=alice,password=secret]', 'SCRAM-SHA-512=[name=alice,password=secret]'],
      properties: {
        'ssl.keystore.type': 'PEM',
        'ssl.keystore.certificate.chain': oneLine(certificate),
        'ssl.keystore.key': oneLine(key),
        'ssl.truststore.type': 'PEM',
        'ssl.truststore.certificates': oneLine(certificate),
        'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512,OAUTHBEARER',
        'sasl.mechanism.inter.broker.protocol': 'PLAIN',
        [`${listener}.plain.sasl.jaas.config`]: `${MODULES}.plain.PlainLoginModule required username="broker" password="own" user_broker="own" user_alice="secret";`,
        [`${listener}.scram-sha-256.sasl.jaas.config`]: `${MODULES}.scram.ScramLoginModule required;`,
        [`${listener}.scram-sha-512.sasl.jaas.config`]: `${MODULES}.scram.ScramLoginModule required;`,
        [`${listener}.oauthbearer.sasl.jaas.config`]: `${MODULES}.oauthbearer.OAuthBearerLoginModule required unsecuredLoginStringClaim_sub="broker";`,
      },
    });
  }, 300_000);
  afterAll(async () => {
    await cluster?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  function settings(changes: Partial<KafkaSettings>): KafkaSettings {
    const defaults = Value.Default(KafkaSettings, {}) as KafkaSettings;
    return { ...defaults, brokers: [...cluster.bootstrap], tls: true, tlsCaFile: certificate, ...changes };
  }

  test.each([
    { saslMechanism: 'plain', saslUsername: 'alice', saslPassword: 'secret' },
    { saslMechanism: 'scram-sha-256', saslUsername: 'alice', saslPassword: 'secret' },
    { saslMechanism: 'scram-sha-512', saslUsername: 'alice', saslPassword: 'secret' },
    { saslMechanism: 'oauthbearer', saslTokenFile: tokenFile },
  ] as const)('lets in by $saslMechanism, to produce and to consume', async (credentials) => {
    const log = await openKafkaLog(settings(credentials));
    const name = `t-${credentials.saslMechanism}`;
    await log.createTopics([{ ...topic, name }]);
    await log.produce(name, [{ key: 'k', value: Buffer.from('v') }]);
    const read: string[] = [];
    await log.subscribe({
      group: name,
      topics: [name],
      onBatch: async ({ records }) => void read.push(...records.map(({ value }) => String(value))),
    });
    await expect.poll(() => read).toEqual(['v']);
    await log.close();
  });

  test.each([
    ['a wrong password', { saslMechanism: 'plain', saslUsername: 'alice', saslPassword: 'wrong' }],
    ['no credentials', { saslMechanism: 'none' }],
    [
      'an authority that is not trusted',
      { saslMechanism: 'plain', saslUsername: 'alice', saslPassword: 'secret', tlsCaFile: '' },
    ],
  ] as const)('keeps out with %s', async (_, credentials) => {
    await expect(openKafkaLog(settings(credentials), { timeoutMs: 1500 })).rejects.toThrow(LogUnavailableError);
  });
});

const topic: Omit<TopicDefinition, 'name'> = {
  partitions: 1,
  kind: 'events',
  retentionMs: 3_600_000,
  retentionBytes: undefined,
  maxMessageBytes: 1 << 20,
  replication: 1,
  owner: 'test',
};

/** A file as the value of a Java property. */
function oneLine(path: string): string {
  return readFileSync(path, 'utf8').trim().replaceAll('\n', '\\n');
}

/** What a broker takes that was told to check no signature. */
function unsecuredToken(subject: string): string {
  const seconds = Math.floor(Date.now() / 1000);
  const parts = [{ alg: 'none' }, { sub: subject, iat: seconds, exp: seconds + 3600 }];
  return `${parts.map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.')}.`;
}
