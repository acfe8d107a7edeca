/** nginx with nchan as a peer: one worker on the server's core, messages in memory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { cpuSeconds } from '../processor-time.ts';
import { VariantUnavailable } from '../suite.ts';

const START_TIMEOUT_MS = 15_000;
const MODULE = '/usr/lib/nginx/modules/ngx_nchan_module.so';

export interface Nchan {
  readonly port: number;
  publish(channel: string, body: string): Promise<void>;
  rssBytes(): number;
  cpuSeconds(): number;
  stop(): Promise<void>;
}

/** @throws {VariantUnavailable} */
export async function startNchan(folder: string): Promise<Nchan> {
  if (!existsSync(MODULE)) throw new VariantUnavailable('apt-get install libnginx-mod-nchan nginx-light');
  mkdirSync(join(folder, 'logs'), { recursive: true });
  const port = 20_000 + Math.floor(Math.random() * 10_000);
  const config = join(folder, 'nginx.conf');
  // The ping interval leaks memory in 1.3.6, so it is off.
  writeFileSync(
    config,
    `load_module ${MODULE};
     daemon off; worker_processes 1; worker_rlimit_nofile 60000; error_log ${folder}/error.log crit; pid ${folder}/nginx.pid;
     events { worker_connections 50000; }
     http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
       uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; keepalive_requests 1000000;
       server { listen 127.0.0.1:${port} backlog=8192;
         location ~ ^/pub/(.+)$ { nchan_publisher; nchan_channel_id $1; nchan_message_buffer_length 10; }
         location ~ ^/sub/(.+)$ { nchan_subscriber http-chunked; nchan_channel_id $1; nchan_subscriber_first_message newest;
                           nchan_websocket_ping_interval 0; nchan_subscriber_timeout 0; } } }`,
  );
  const child = spawn('taskset', ['-c', '0', 'nginx', '-c', config, '-p', folder], { stdio: 'inherit' });
  const worker = await listening(child, port).catch((error: unknown) => {
    child.kill('SIGKILL');
    throw error;
  });
  return {
    port,
    publish: (channel, body) => publish(port, channel, body),
    rssBytes: () => rssBytes(worker),
    cpuSeconds: () => cpuSeconds(Number(worker)),
    async stop() {
      const exited = once(child, 'exit');
      child.kill('SIGTERM');
      await exited;
    },
  };
}

async function publish(port: number, channel: string, body: string): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/pub/${channel}`, { method: 'POST', body });
  if (!response.ok) throw new Error(`nchan answered ${response.status}`);
  await response.arrayBuffer();
}

/** @returns the process that does the work, once it listens */
async function listening(child: ChildProcess, port: number): Promise<string> {
  const deadline = performance.now() + START_TIMEOUT_MS;
  for (;;) {
    if (child.exitCode !== null || performance.now() > deadline) throw new Error('nginx did not start');
    const socket = connect(port, '127.0.0.1');
    const open = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    // The master listens before its worker is there.
    const worker = open ? workerOf(child.pid!) : undefined;
    if (worker !== undefined) return worker;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The master's child. */
function workerOf(master: number): string | undefined {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .find((pid) => Number(/PPid:\s+(\d+)/.exec(statusOf(pid))?.[1]) === master);
}

function statusOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/status`, 'utf8');
  } catch {
    // It ended between the look at the list and the look at it.
    return '';
  }
}

function rssBytes(pid: string): number {
  return Number(/VmRSS:\s+(\d+)/.exec(statusOf(pid))![1]) * 1024;
}
