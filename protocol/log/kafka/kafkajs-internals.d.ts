// biome-ignore-all lint/style/noDefaultExport: this describes what kafkajs exports.
/** The parts of kafkajs 2.2.4 that the Kafka log builds on and that its own types leave out. */

declare module 'kafkajs/src/broker/index.js' {
  import type { Logger } from 'kafkajs/src/loggers/index.js';
  import type ConnectionPool from 'kafkajs/src/network/connectionPool.js';

  interface Partitioned<T> {
    readonly topic: string;
    readonly partitions: readonly T[];
  }

  export default class Broker {
    constructor(options: {
      connectionPool: ConnectionPool;
      logger: Logger;
      nodeId?: number;
      allowAutoTopicCreation?: boolean;
      authenticationTimeout?: number;
    });
    readonly connectionPool: ConnectionPool;
    isConnected(): boolean;
    connect(): Promise<void>;
    findGroupCoordinator(request: {
      groupId: string;
      coordinatorType: number;
    }): Promise<{ coordinator: { nodeId: number; host: string; port: number } }>;
    joinGroup(request: {
      groupId: string;
      sessionTimeout: number;
      rebalanceTimeout: number;
      memberId: string;
      groupProtocols: readonly { name: string; metadata: Buffer }[];
    }): Promise<{
      generationId: number;
      leaderId: string;
      memberId: string;
      members: readonly { memberId: string; memberMetadata: Buffer }[];
    }>;
    syncGroup(request: {
      groupId: string;
      generationId: number;
      memberId: string;
      groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
    }): Promise<{ memberAssignment: Buffer }>;
    heartbeat(request: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
    leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
    describeGroups(request: {
      groupIds: readonly string[];
    }): Promise<{ groups: readonly { members: readonly unknown[] }[] }>;
    offsetCommit(request: {
      groupId: string;
      groupGenerationId: number;
      memberId: string;
      topics: readonly Partitioned<{ partition: number; offset: string }>[];
    }): Promise<unknown>;
    offsetFetch(request: {
      groupId: string;
      topics: readonly Partitioned<{ partition: number }>[];
    }): Promise<{ responses: readonly Partitioned<{ partition: number; offset: string }>[] }>;
    listOffsets(request: {
      replicaId: number;
      isolationLevel: number;
      topics: readonly Partitioned<{ partition: number; timestamp: number }>[];
    }): Promise<{ responses: readonly Partitioned<{ partition: number; offset: string }>[] }>;
    initProducerId(request: { transactionTimeout: number }): Promise<{ producerId: string; producerEpoch: number }>;
    createTopics(request: {
      topics: readonly {
        topic: string;
        numPartitions: number;
        replicationFactor: number;
        configEntries: readonly { name: string; value: string }[];
      }[];
      timeout: number;
    }): Promise<unknown>;
    createPartitions(request: {
      topicPartitions: readonly { topic: string; count: number }[];
      timeout: number;
    }): Promise<unknown>;
    deleteTopics(request: { topics: readonly string[]; timeout: number }): Promise<unknown>;
    describeConfigs(request: {
      resources: readonly { type: number; name: string }[];
    }): Promise<{ resources: readonly { configEntries: readonly { configName: string; configValue: string }[] }[] }>;
    alterConfigs(request: {
      resources: readonly { type: number; name: string; configEntries: readonly { name: string; value: string }[] }[];
    }): Promise<unknown>;
  }
}

declare module 'kafkajs/src/network/connectionPool.js' {
  import type { Socket } from 'node:net';
  import type { ConnectionOptions } from 'node:tls';
  import type { ISocketFactory, SASLOptions } from 'kafkajs';
  import type { Logger } from 'kafkajs/src/loggers/index.js';

  export interface Connection {
    readonly clientId: string;
    readonly socket?: Socket;
    readonly requestQueue: {
      readonly pending: readonly unknown[];
      scheduleCheckPendingRequests(): void;
      /** Calls sendRequest at once, or when the broker throttles no more. */
      push(request: {
        entry: {
          apiKey: number;
          apiName: string;
          apiVersion: number;
          correlationId: number;
          resolve: (answer: { payload: Buffer }) => void;
          reject: (error: unknown) => void;
        };
        expectResponse: boolean;
        requestTimeout: number;
        sendRequest: () => void;
      }): void;
    };
    isConnected(): boolean;
    authenticate(): Promise<void>;
    nextCorrelationId(): number;
    rejectRequests(error: Error): void;
    disconnect(): Promise<unknown>;
  }

  export default class ConnectionPool {
    constructor(options: {
      host: string;
      port: number;
      clientId: string;
      ssl: ConnectionOptions | undefined;
      sasl: SASLOptions | undefined;
      socketFactory: ISocketFactory;
      connectionTimeout: number;
      requestTimeout: number;
      enforceRequestTimeout: boolean;
      reauthenticationThreshold: number;
      logger: Logger;
    });
    readonly pool: readonly Connection[];
  }
}

declare module 'kafkajs/src/network/socketFactory.js' {
  import type { ISocketFactory } from 'kafkajs';
  export default function defaultSocketFactory(): ISocketFactory;
}

declare module 'kafkajs/src/protocol/error.js' {
  const errors: {
    createErrorFromCode(code: number): Error & { readonly type: string; readonly retriable: boolean };
  };
  export default errors;
}

declare module 'kafkajs/src/loggers/index.js' {
  export interface Logger {
    namespace(name: string): Logger;
  }
  const loggers: {
    createLogger(options: { level: number; logCreator: (level: number) => (entry: object) => void }): Logger;
  };
  export default loggers;
}
