/** Reads the firehose: frames of one stream, or messages for as long as wanted over as many streams as it takes. */
import { ProblemError, problemOf } from './problem.js';

/**
 * @typedef {{ epoch?: string, offset: number } | 'earliest' | 'latest'} From
 * @typedef {{ kind: string, offset: number, [name: string]: any }} Frame
 */

const RETRY_MS = 1000;
const LONGEST_RETRY_MS = 30_000;

/**
 * The frames of one stream, to its end.
 *
 * @param {string} token
 * @param {{ from: From, filter?: object }} request
 * @param {AbortSignal} signal
 * @returns {AsyncGenerator<Frame>}
 */
export async function* frames(token, request, signal) {
  const response = await fetch('/v1/firehose', {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
    signal,
  });
  if (!response.ok || response.body === null) throw await problemOf(response);
  yield* parseLines(response.body.pipeThrough(new TextDecoderStream()));
}

/**
 * @param {ReadableStream<string>} texts
 * @returns {AsyncGenerator<Frame>}
 */
export async function* parseLines(texts) {
  const reader = texts.getReader();
  let rest = '';
  try {
    for (let { done, value } = await reader.read(); !done; { done, value } = await reader.read()) {
      const lines = (rest + value).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield JSON.parse(line);
    }
  } finally {
    // Left early: the server is to know at once.
    reader.cancel().catch(() => {});
  }
}

/**
 * Frames without end: reconnects and resumes after the last offset, until aborted or until the server says that
 * asking again is of no use.
 *
 * @param {string} token
 * @param {{ from: From, filter?: object }} request
 * @param {{ signal: AbortSignal, onTrouble: (message: string) => void }} options
 * @returns {AsyncGenerator<Frame>}
 */
export async function* follow(token, request, { signal, onTrouble }) {
  let from = request.from;
  let epoch = '';
  let retry = RETRY_MS;
  while (!signal.aborted) {
    try {
      for await (const frame of frames(token, { ...request, from }, signal)) {
        if (frame.kind === 'hello') epoch = frame.epoch;
        if (frame.offset >= 0) from = { epoch, offset: frame.offset };
        retry = frame.kind === 'goodbye' ? Math.max(RETRY_MS, frame.retry_after_ms) : RETRY_MS;
        yield frame;
        if (frame.kind === 'goodbye' && frame.terminal) return;
      }
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof ProblemError && error.status >= 400 && error.status < 500 && error.status !== 429)
        throw error;
      onTrouble(`${/** @type {Error} */ (error).message}; trying again`);
    }
    await pause(retry, signal);
    retry = Math.min(LONGEST_RETRY_MS, retry * 2);
  }
}

/**
 * @param {number} ms
 * @param {AbortSignal} signal
 * @returns {Promise<void>}
 */
function pause(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms * (0.75 + Math.random() / 2));
    signal.addEventListener('abort', () => {
      clearTimeout(timer);
      resolve();
    });
  });
}
