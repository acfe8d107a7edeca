/** How to reach a Kafka cluster. */
import { type Static, Type } from 'typebox';

export const KafkaSettings = Type.Object(
  {
    brokers: Type.Array(Type.String(), {
      default: ['127.0.0.1:9092'],
      description: 'Bootstrap brokers as host:port, separated by commas',
    }),
    tls: Type.Boolean({ default: false, description: 'Connect with TLS' }),
    tlsCaFile: Type.String({ default: '', description: "PEM file of the authority to trust in place of the system's" }),
    tlsCertFile: Type.String({ default: '', description: 'PEM file of the client certificate, for mutual TLS' }),
    tlsKeyFile: Type.String({ default: '', description: 'PEM file of the client key, for mutual TLS' }),
    saslMechanism: Type.Enum(['none', 'plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'], {
      default: 'none',
      description: 'How to authenticate',
    }),
    saslUsername: Type.String({ default: '', description: 'User name for plain and scram' }),
    saslPassword: Type.String({ default: '', description: 'Password for plain and scram', writeOnly: true }),
    saslTokenFile: Type.String({
      default: '',
      description: 'File that holds the bearer token for oauthbearer; read again at every (re)authentication',
    }),
    compression: Type.Enum(['none', 'gzip', 'zstd'], {
      default: 'zstd',
      description: 'How batches of records are compressed',
    }),
    sessionTimeoutMs: Type.Integer({
      default: 30_000,
      minimum: 1000,
      description: 'A consumer that is silent for so long loses its partitions',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The Kafka cluster, used with --log kafka' },
);
export type KafkaSettings = Static<typeof KafkaSettings>;
