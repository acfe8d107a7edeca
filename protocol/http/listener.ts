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

/** How long clients are waited for, milliseconds. */
export interface Waits {
  readonly headersTimeoutMs: number;
  readonly requestTimeoutMs: number;
  readonly idleTimeoutMs: number;
}

type Handler = (request: never, response: never) => void;

/** The first bytes of every HTTP/2 connection; no HTTP/1.1 request begins so. */
const PREFACE = Buffer.from('PRI * HTTP/2.0');
/** Data kept for an HTTP/2 stream that is not read: what a stream of ours may hold back. */
const SETTINGS = { initialWindowSize: 65_535, maxConcurrentStreams: 256 };
/** A request that is late is noticed late by this much at most. */
const LONGEST_CHECKING_INTERVAL_MS = 5_000;

export function createListener(handler: Handler, tls: TlsFiles | undefined, waits: Waits): Server {
  return tls === undefined ? plainListener(handler, waits) : secureListener(handler, tls, waits);
}

/** Of HTTP/1.1. The whole request may not be due before its headers are. */
function http1Timeouts({ headersTimeoutMs, requestTimeoutMs, idleTimeoutMs }: Waits) {
  return {
    headersTimeout: headersTimeoutMs,
    requestTimeout: Math.max(requestTimeoutMs, headersTimeoutMs),
    keepAliveTimeout: idleTimeoutMs,
    connectionsCheckingInterval: Math.min(LONGEST_CHECKING_INTERVAL_MS, Math.ceil(headersTimeoutMs / 4)),
  };
}

function plainListener(handler: Handler, waits: Waits): Server {
  const http1 = createServer(http1Timeouts(waits), handler as never);
  const http2 = createHttp2Server({ settings: SETTINGS }, handler as never);
  const sessions = trackSessions(http2, waits);
  const [serveHttp1] = http1.listeners('connection') as [(socket: Socket) => void];
  http1.removeAllListeners('connection');
  const silent = new Set<Socket>();
  http1.on('connection', (socket: Socket) => {
    silent.add(socket);
    const timer = setTimeout(() => socket.destroy(), waits.idleTimeoutMs).unref();
    const heard = () => {
      clearTimeout(timer);
      silent.delete(socket);
    };
    socket.once('close', heard).on('error', ignore);
    socket.once('data', (first: Buffer) => {
      heard();
      socket.removeListener('close', heard).removeListener('error', ignore);
      socket.pause().unshift(first);
      if (first.subarray(0, PREFACE.length).equals(PREFACE)) {
        // HTTP/2 knows no halves: without this a session outlives a peer that has gone.
        socket.allowHalfOpen = false;
        http2.emit('connection', socket);
      } else {
        serveHttp1.call(http1, socket);
        process.nextTick(() => socket.resume());
      }
    });
  });
  return closing(http1, sessions, silent);
}

function secureListener(handler: Handler, tls: TlsFiles, waits: Waits): Server {
  const options = { ...tls, ...http1Timeouts(waits), handshakeTimeout: waits.headersTimeoutMs };
  const server = createSecureServer({ ...options, allowHTTP1: true, settings: SETTINGS }, handler as never);
  // The server for both versions has these as properties alone.
  Object.assign(server, http1Timeouts(waits));
  // A session that a flood has ended may leave its connection behind, which would keep the server from ever closing.
  const sockets = new Set<Socket>();
  server.on('secureConnection', (socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  return closing(server as unknown as Server, trackSessions(server, waits), new Set(), sockets);
}

/** Sessions end after the streams that they have; connections that have said nothing yet end at once. */
function closing(
  server: Server,
  sessions: ReadonlySet<ServerHttp2Session>,
  silent: ReadonlySet<Socket>,
  left: ReadonlySet<Socket> = new Set(),
): Server {
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
    for (const socket of left) socket.destroy();
  };
  return server;
}

function trackSessions(
  server: { on(event: 'session', listener: (session: ServerHttp2Session) => void): unknown },
  waits: Waits,
): ReadonlySet<ServerHttp2Session> {
  const sessions = new Set<ServerHttp2Session>();
  server.on('session', (session) => {
    sessions.add(session);
    session.once('close', () => sessions.delete(session));
    closeWhenIdle(session, waits.idleTimeoutMs);
    // A peer that breaks the protocol loses its session; its streams hear of that by themselves.
    session.on('error', ignore);
  });
  return sessions;
}

/** A session that has no stream for so long is closed. One with streams is not: those have limits of their own. */
function closeWhenIdle(session: ServerHttp2Session, idleMs: number): void {
  let streams = 0;
  session.on('stream', (stream) => {
    streams++;
    stream.once('close', () => streams--);
  });
  session.setTimeout(idleMs);
  session.on('timeout', () => {
    if (streams === 0) session.close();
  });
}

function ignore(): void {}
