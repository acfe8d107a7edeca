/**
 * The open body of a streaming request: its first line is the request itself, each further one a control message. One
 * line is carried out before the next is read, so a client cannot pile up work.
 */
import type { Readable } from 'node:stream';
import { Problem } from '../../protocol/http/problem.ts';

/** A filter with its longest expression fits. */
const MAX_LINE_BYTES = 64 * 1024;

export class ControlLines {
  readonly #lines: AsyncGenerator<string>;

  constructor(body: Readable) {
    this.#lines = readLines(body);
  }

  /** The next line's JSON; undefined where the body has ended. @throws {Problem} invalid-request */
  async next(): Promise<unknown> {
    const { value, done } = await this.#lines.next();
    if (done) return undefined;
    try {
      return JSON.parse(value);
    } catch (cause) {
      throw new Problem('invalid-request', 'A line of the body is not JSON.', { cause });
    }
  }
}

async function* readLines(body: Readable): AsyncGenerator<string> {
  let rest = '';
  body.setEncoding('utf8');
  for await (const text of body as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop()!;
    if (rest.length > MAX_LINE_BYTES)
      throw new Problem('payload-too-large', 'A line of the body is too long.', { members: { limit: MAX_LINE_BYTES } });
    for (const line of lines) if (line.trim() !== '') yield line;
  }
  if (rest.trim() !== '') yield rest;
}
