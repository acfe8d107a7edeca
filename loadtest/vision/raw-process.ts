/** The raw loop in a process of its own: see vision-raw.ts. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RawAnswer, RawRequest } from '../vision-raw.ts';
import { THREADS } from './work.ts';

const RAW = fileURLToPath(new URL('../vision-raw.ts', import.meta.url));

export async function forkRaw(service: string): Promise<ChildProcess> {
  const child = fork(RAW, [service, String(THREADS)], {
    serialization: 'advanced',
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: [],
  });
  await once(child, 'message');
  return child;
}

export async function askRaw(child: ChildProcess, request: RawRequest): Promise<RawAnswer> {
  const answered = once(child, 'message');
  child.send(request);
  const [answer] = (await answered) as [RawAnswer];
  return answer;
}

export async function endRaw(child: ChildProcess): Promise<void> {
  const exited = once(child, 'exit');
  child.disconnect();
  await exited;
}
