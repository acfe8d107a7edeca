/**
 * One client of a node under test, that no other test knows: a test that is run again begins with an empty journal.
 */
import { randomUUID } from 'node:crypto';
import type { ProducedRecord } from '../../protocol/log/log.ts';
import type { Produced, TestNode } from './node.ts';
import { RawStream } from './raw-stream.ts';

export class TestClient {
  readonly id = `client-${randomUUID()}`;
  readonly #node: TestNode;

  constructor(node: TestNode) {
    this.#node = node;
  }

  produce(messages: readonly Produced[]): Promise<ProducedRecord[]> {
    return this.#node.produce(this.id, messages);
  }

  /** @param grant configuration of `firehose-1` */
  token(grant: object = {}): Promise<string> {
    return this.#node.token(this.id, { grants: { 'firehose-1': grant } });
  }

  /** A request with JSON for a body, answered with JSON or nothing. */
  async call(method: string, path: string, body?: object) {
    const response = await fetch(`${this.#node.url}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${await this.token()}`,
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, body: text === '' ? undefined : JSON.parse(text) };
  }

  async open(body: object = {}, init: RequestInit = {}): Promise<RawStream> {
    return RawStream.open(this.#node.url, await this.token(), body, init);
  }
}

/** Messages with the texts '0', '1', …, of seven transactions in turn. */
export function numbered(count: number): Produced[] {
  return Array.from({ length: count }, (_, n) => ({ text: `${n}`, transaction: `t${n % 7}` }));
}

export function textsOf(stream: RawStream): string[] {
  return stream.messages.map(({ payload }) => payload.text);
}
