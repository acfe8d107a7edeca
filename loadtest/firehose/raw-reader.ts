/** Reads a response over a bare socket: the reader must cost less than what it measures. */
import { connect, type Socket } from 'node:net';

const NEWLINE = 0x0a;

export interface ReadResult {
  readonly seconds: number;
  readonly bytes: number;
  readonly lines: number;
  /** The last bytes, where the stream says how it ended. */
  readonly end: string;
}

export function requestHead(token: string | undefined, body: object | undefined, path = '/v1/firehose'): string {
  const text = body === undefined ? '' : JSON.stringify(body);
  const auth = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
  const head = `${body === undefined ? 'GET' : 'POST'} ${path} HTTP/1.1\r\nhost: bench\r\nte: chunked\r\n${auth}`;
  return body === undefined
    ? `${head}\r\n`
    : `${head}content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

/** Counts what comes until the last chunk of the response. */
export function readAll(port: number, request: string): Promise<ReadResult> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    const began = performance.now();
    let [bytes, lines, end] = [0, 0, ''];
    socket.on('connect', () => socket.write(request));
    socket.on('data', (data) => {
      bytes += data.length;
      for (let at = data.indexOf(NEWLINE); at !== -1; at = data.indexOf(NEWLINE, at + 1)) lines++;
      end = (end + data.toString('latin1', Math.max(0, data.length - 400))).slice(-400);
      if (!end.endsWith('\r\n0\r\n\r\n')) return;
      const seconds = (performance.now() - began) / 1000;
      socket.destroy();
      resolve({ seconds, bytes, lines, end });
    });
    socket.on('error', reject);
  });
}

/** Opens a stream and hands over what comes. Resolves once the head and the first frames are there. */
export function openReader(port: number, request: string, onData: (data: Buffer) => void): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1' });
    socket.once('connect', () => socket.write(request));
    socket.once('data', (first: Buffer) => {
      if (first.toString('latin1', 9, 12) === '200') resolve(socket);
      else reject(new Error(first.toString()));
    });
    socket.on('data', onData).on('error', reject);
  });
}
