/** Reads a firehose as raw NDJSON with nothing of the client library: what a client sees, byte for byte. */
import type { Message } from '../../protocol/frames.ts';

/** Every message from the earliest on, until `enough` says so of those read; it is asked after each chunk, not after each message. */
export async function readFirehose(
  url: string,
  token: string,
  enough: (messages: readonly Message[]) => boolean,
  timeoutMs: number,
): Promise<Message[]> {
  const messages: Message[] = [];
  const abort = AbortSignal.timeout(timeoutMs);
  try {
    const response = await fetch(`${url}/v1/firehose`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ from: 'earliest' }),
      signal: abort,
    });
    if (!response.ok) throw new Error(`the firehose answered ${response.status}: ${await response.text()}`);
    for await (const complete of lines(response.body!)) {
      const frames = complete.map((line) => JSON.parse(line)).filter(({ kind }) => kind === 'message');
      messages.push(...frames);
      if (frames.length > 0 && enough(messages)) break;
    }
  } catch (error) {
    if (!abort.aborted) throw error;
  }
  return messages;
}

/** The lines that each chunk completes. */
async function* lines(body: ReadableStream<Uint8Array>): AsyncIterable<string[]> {
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const parts = (rest + text).split('\n');
    rest = parts.pop()!;
    yield parts.filter((part) => part !== '');
  }
}

/** The first place where the chain of `prev` is broken, or undefined. */
export function brokenLink(messages: readonly Message[]): string | undefined {
  let last = messages[0]?.prev ?? -1;
  for (const { offset, prev } of messages) {
    if (prev !== last || offset <= prev) return `offset ${offset} says prev ${prev}, but ${last} came before`;
    last = offset;
  }
  return undefined;
}
