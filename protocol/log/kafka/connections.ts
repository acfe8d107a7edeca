/**
 * Connections to brokers: the one file that knows how kafkajs opens, authenticates and closes them.
 *
 * A connection is one lane to one address. Its requests are answered in order, so one that the broker holds back has a lane
 * of its own. A broken connection is dropped and never used again: kafkajs does not always notice that it is broken.
 */
import { readFileSync } from 'node:fs';
import type { ConnectionOptions } from 'node:tls';
import type { SASLOptions } from 'kafkajs';
import Broker from 'kafkajs/src/broker/index.js';
import loggers from 'kafkajs/src/loggers/index.js';
import ConnectionPool from 'kafkajs/src/network/connectionPool.js';
import defaultSocketFactory from 'kafkajs/src/network/socketFactory.js';
import errors from 'kafkajs/src/protocol/error.js';
import { KafkaFault } from './fault.ts';
import type { KafkaSettings } from './settings.ts';

const openSocket = defaultSocketFactory();
const CONNECT_TIMEOUT_MS = 5000;
export const REQUEST_TIMEOUT_MS = 10_000;

/** Where a broker listens. */
export interface Address {
  readonly host: string;
  readonly port: number;
}

export interface ConnectionsOptions {
  readonly settings: KafkaSettings;
  /** What brokers call this process in their logs and quotas. */
  readonly clientId: string;
  /** A broker could not be reached, or a connection to it broke. */
  readonly onBroken: (address: Address) => void;
}

export class Connections {
  readonly #options: ConnectionsOptions;
  readonly #logger = loggers.createLogger({ level: 0, logCreator: () => () => undefined });
  /** By lane and address. */
  readonly #brokers = new Map<string, Broker>();
  #closed = false;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  /** Connects where there is no connection yet, then acts. @throws {KafkaFault} */
  async call<T>(address: Address, lane: string, action: (broker: Broker) => Promise<T>): Promise<T> {
    const key = `${lane} ${address.host}:${address.port}`;
    const broker = this.#broker(key, address);
    try {
      if (!broker.isConnected()) await broker.connect();
      return await action(broker);
    } catch (error) {
      const fault = faultOf(error);
      if (fault.code === 'CONNECTION' && this.#brokers.get(key) === broker) {
        this.#options.onBroken(address);
        this.#drop(key, broker);
      }
      throw fault;
    }
  }

  /** Closes the connections of one lane; requests on their way fail. */
  closeLane(lane: string): void {
    for (const [key, broker] of this.#brokers) if (key.startsWith(`${lane} `)) this.#drop(key, broker);
  }

  close(): void {
    this.#closed = true;
    for (const [key, broker] of this.#brokers) this.#drop(key, broker);
  }

  #broker(key: string, { host, port }: Address): Broker {
    if (this.#closed) throw new KafkaFault('CLOSED', 'the connection to Kafka is closed', false);
    const known = this.#brokers.get(key);
    if (known !== undefined) return known;
    const connectionPool = new ConnectionPool({
      host,
      port,
      clientId: this.#options.clientId,
      ssl: tlsOptions(this.#options.settings),
      sasl: saslOptions(this.#options.settings),
      // A request is written at once and answered at once: nothing is gained by waiting to fill a packet.
      socketFactory: (options) => openSocket(options).setNoDelay(true),
      connectionTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: REQUEST_TIMEOUT_MS,
      enforceRequestTimeout: true,
      reauthenticationThreshold: 10_000,
      logger: this.#logger,
    });
    for (const { requestQueue } of connectionPool.pool) {
      // With nothing pending kafkajs sets a timer of minus its own age, of which Node warns (its issue 1751).
      const schedule = requestQueue.scheduleCheckPendingRequests.bind(requestQueue);
      requestQueue.scheduleCheckPendingRequests = () => {
        if (requestQueue.pending.length > 0) schedule();
      };
    }
    const broker = new Broker({ connectionPool, logger: this.#logger, allowAutoTopicCreation: false });
    this.#brokers.set(key, broker);
    return broker;
  }

  #drop(key: string, broker: Broker): void {
    this.#brokers.delete(key);
    // kafkajs waits for answers before it closes; these are not wanted any more.
    for (const connection of broker.connectionPool.pool) {
      connection.rejectRequests(new KafkaFault('CONNECTION', 'the connection was closed', true));
      connection.socket?.destroy();
      connection.disconnect().catch(() => undefined);
    }
  }
}

/** The fault of a partition within an answer. */
export function faultOfCode(code: number): KafkaFault | undefined {
  return code === 0 ? undefined : faultOf(errors.createErrorFromCode(code));
}

function faultOf(error: unknown): KafkaFault {
  if (error instanceof KafkaFault) return error;
  const {
    name,
    message,
    type,
    retriable,
    errors: several,
  } = error as Error & {
    type?: string;
    retriable?: boolean;
    errors?: readonly unknown[];
  };
  if (several?.[0] !== undefined) return faultOf(several[0]); // of one topic: only one is created at a time
  if (type !== undefined) return new KafkaFault(type, message, retriable ?? false, { cause: error });
  if (name.startsWith('KafkaJSSASL'))
    return new KafkaFault('SASL_AUTHENTICATION_FAILED', message, false, { cause: error });
  return new KafkaFault('CONNECTION', message, true, { cause: error });
}

function tlsOptions(settings: KafkaSettings): ConnectionOptions | undefined {
  if (!settings.tls) return undefined;
  const file = (path: string) => (path === '' ? undefined : readFileSync(path));
  const ca = file(settings.tlsCaFile);
  const cert = file(settings.tlsCertFile);
  const key = file(settings.tlsKeyFile);
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function saslOptions(settings: KafkaSettings): SASLOptions | undefined {
  const { saslMechanism: mechanism, saslUsername: username, saslPassword: password } = settings;
  switch (mechanism) {
    case 'none':
      return undefined;
    case 'oauthbearer':
      return {
        mechanism,
        oauthBearerProvider: async () => ({ value: readFileSync(settings.saslTokenFile, 'utf8').trim() }),
      };
    default:
      return { mechanism, username, password } as SASLOptions;
  }
}
