/**
 * The client library: images in, the firehose out.
 *
 *     const client = createClient({ url: 'http://127.0.0.1:8080', token });
 *     await client.submit({ transaction: 'order-1', image });
 *     for await (const message of client.firehose({ from: 'earliest' })) console.log(message.type, message.payload);
 *
 * It needs only what browsers and Node have in common: fetch, streams, timers, Web Crypto.
 */
import type { Message } from '../../protocol/frames.ts';
import type { Connection } from './connection.ts';
import { type FirehoseOptions, firehose } from './firehose.ts';
import { serverUrl } from './server-url.ts';
import { type AcceptedImage, type Submission, submit } from './submit.ts';

export interface ClientOptions {
  /** Base URL of the server, `http://…` or `https://…`. */
  readonly url: string;
  /** The authorisation token, or a function that gives one. @param refused the one before was refused: get another */
  readonly token: string | ((refused: boolean) => string | Promise<string>);
  /**
   * Hosts of other nodes that the token may be sent to when the server redirects there, such as `*.nodes.example`. Those of the
   * base URL's host and below it need not be named. Default: none.
   */
  readonly allowedNodes?: readonly string[];
  /** Default: the global one. */
  readonly fetch?: typeof globalThis.fetch;
}

export interface Client {
  /** Messages in order, each once, for as long as the signal lets it. */
  firehose(options?: FirehoseOptions): AsyncGenerator<Message>;
  submit(submission: Submission): Promise<AcceptedImage>;
}

/** @throws {TypeError} the URL could not be a server's: trying again would not help */
export function createClient(options: ClientOptions): Client {
  const { token } = options;
  const connection: Connection = {
    url: serverUrl(options.url),
    token: async (refused) => (typeof token === 'string' ? token : token(refused)),
    allowedNodes: options.allowedNodes ?? [],
    fetch: options.fetch ?? globalThis.fetch.bind(globalThis),
  };
  return {
    firehose: (stream = {}) => firehose(connection, stream),
    submit: (submission) => submit(connection, submission),
  };
}
