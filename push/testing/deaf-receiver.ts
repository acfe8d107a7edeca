/**
 * A host that never answers a connect: a listening process that is stopped, and whose backlog is filled. The kernel drops what
 * would make one connection more, as a firewall does.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';

export interface DeafReceiver {
  readonly origin: string;
  /** From now on it accepts connections, and every request. */
  hear(): void;
  stop(): Promise<void>;
}

/** Connects that get through to a stopped process before its backlog is full: one or two; more mean that it is not stopped. */
const MOST_CONNECTS = 20;
/** On one machine a connect is answered within a millisecond, or never. */
const SILENCE_MS = 1_000;

export async function startDeafReceiver(): Promise<DeafReceiver> {
  const child = fork(fileURLToPath(new URL('./deaf-receiver-program.ts', import.meta.url)), {
    execPath: process.execPath,
  });
  const [port] = (await once(child, 'message')) as [number];
  child.kill('SIGSTOP');
  const sockets: Socket[] = [];
  for (let isFull = false; !isFull; ) {
    if (sockets.length > MOST_CONNECTS) throw new Error('the backlog does not fill');
    const socket = connect(port, '127.0.0.1').on('error', () => {});
    sockets.push(socket);
    isFull = !(await isAnswered(socket));
  }
  const release = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    hear() {
      child.kill('SIGCONT');
      release();
    },
    async stop() {
      release();
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function isAnswered(socket: Socket): Promise<boolean> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(false), SILENCE_MS);
    socket.once('connect', () => {
      clearTimeout(timer);
      resolve(true);
    });
  });
}
