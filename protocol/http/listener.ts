/**
 * One port for HTTP/1.1 and HTTP/2: over TLS the client chooses by ALPN, without TLS by how it begins (h2c with prior
 * knowledge: the connection preface of RFC 9113, section 3.4).
 */
import { createServer, type Server } from 'node:http';
import { createServer as createHttp2Server, createSecureServer, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';

export interface TlsFiles {
  /** PEM of the certificate and its chain. */
  readonly cert: Buffer;
  /** PEM of its private key. */
  readonly key: Buffer;
}

type Handler = (request: never, response: never) => void;

/** The first bytes of every HTTP/2 connection; no HTTP/1.1 request begins so. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** Data kept for an HTTP/2 stream that is not read: what a stream of ours may hold back. */
const SETTINGS = { initialWindowSize: 65_535, maxConcurrentStreams: 256 };
/** A connection that says nothing at all is closed after so long. */
const SILENT_MS = 60_000;

export function createListener(handler: Handler, tls: TlsFiles | undefined): Server {
  return tls === undefined ? plainListener(handler) : secureListener(handler, tls);
}

function plainListener(handler: Handler): Server {
  const http1 = createServer(handler as never);
  const http2 = createHttp2Server({ settings: SETTINGS }, handler as never);
  const sessions = trackSessions(http2);
  const [serveHttp1] = http1.listeners('connection') as [(socket: Socket) => void];
  http1.removeAllListeners('connection');
  const silent = new Set<Socket>();
  http1.on('connection', (socket: Socket) => {
    silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), SILENT_MS).unref();
    const heard = () => {
      clearTimeout(timer);
      silent.delete(socket);
    };
    socket.once('close', heard).on('error', ignore);
    socket.once('data', (first: Buffer) => {
      heard();
      socket.removeListener('close', heard).removeListener('error', ignore);
      socket.pause().unshift(first);
      if (first.subarray(0, PREFACE.length).equals(PREFACE)) http2.emit('connection', socket);
      else {
        serveHttp1.call(http1, socket);
        process.nextTick(() => socket.resume());
      }
    });
  });
  return closing(http1, sessions, silent);
}

function secureListener(handler: Handler, tls: TlsFiles): Server {
  const server = createSecureServer({ ...tls, allowHTTP1: true, settings: SETTINGS }, handler as never);
  return closing(server as unknown as Server, trackSessions(server), new Set());
}

/** Sessions end after the streams that they have; connections that have said nothing yet end at once. */
function closing(server: Server, sessions: ReadonlySet<ServerHttp2Session>, silent: ReadonlySet<Socket>): Server {
  const { closeAllConnections, closeIdleConnections } = server;
  server.closeIdleConnections = () => {
    closeIdleConnections?.call(server);
    for (const socket of silent) socket.destroy();
    for (const session of sessions) session.close();
  };
  server.closeAllConnections = () => {
    closeAllConnections?.call(server);
    for (const socket of silent) socket.destroy();
    for (const session of sessions) session.destroy();
  };
  return server;
}

function trackSessions(server: { on(event: 'session', listener: (session: ServerHttp2Session) => void): unknown }) {
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    // A peer that breaks the protocol loses its session; its streams hear of that by themselves.
    session.on('error', ignore);
  });
  return sessions;
}

function ignore(): void {}
