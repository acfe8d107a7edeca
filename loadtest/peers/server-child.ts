/** Starts a server that is not ours on the server's core, and waits until it listens. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';

const SERVER_CORE = '0';
const START_TIMEOUT_MS = 15_000;

export interface ServerChild {
  readonly pid: number;
  stop(): Promise<void>;
}

export async function startServerChild(command: string, args: readonly string[], port: number): Promise<ServerChild> {
  const child = spawn('taskset', ['-c', SERVER_CORE, command, ...args], { stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(child, 'exit');
  await listening(child, command, port);
  return {
    pid: child.pid!,
    stop: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}

async function listening(child: ChildProcess, command: string, port: number): Promise<void> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode} instead of listening`);
    if (performance.now() > deadline) throw new Error(`${command} does not listen on port ${port}`);
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return;
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
}
