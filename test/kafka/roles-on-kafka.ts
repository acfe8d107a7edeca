/**
 * Every role a process of its own on a real Kafka, each on a disk folder of its own, under the load of clients that insist.
 *
 * The vision services are synthetic: what is tested is the way of the messages, and models would only slow it.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { Message } from '../../protocol/frames.ts';
import { ClientProgram } from '../crash/client-program.ts';
import { expectExactlyOnce, isComplete } from '../crash/exactly-once.ts';
import { readFirehose } from '../harness/firehose-reader.ts';
import { runSluice, type SluiceProcess, startSluice } from '../harness/sluice-process.ts';

export const ROLES = ['gateway', 'vision', 'summary', 'firehose'] as const;
/** After so long without a sign of life a consumer loses its partitions. */
export const SESSION_TIMEOUT_MS = 3000;
const IMAGES_PER_TRANSACTION = 8;
const READ_TIMEOUT_MS = 120_000;
const CLIENTS = 3;
const PAUSE_MS = 40;

export interface RolesOptions {
  readonly folder: string;
  /** Which brokers a role knows, as host:port. */
  readonly brokersOf: (role: string) => readonly string[];
  /** More settings of every role. */
  readonly settings?: Readonly<Record<string, string>>;
}

export class RolesOnKafka {
  readonly #options: RolesOptions;
  readonly #running = new Map<string, SluiceProcess>();
  #loads = 0;

  constructor(options: RolesOptions) {
    this.#options = options;
    mkdirSync(join(options.folder, 'shared', 'keys'), { recursive: true });
  }

  /** One after the other: the first creates the topics. */
  async startAll(): Promise<void> {
    for (const role of ROLES) await this.start(role);
  }

  /**
   * @param name the role, and what tells one of its processes from another, such as 'vision-2'
   * @param more settings of this process, over those of all
   */
  async start(name: string, more: Readonly<Record<string, string>> = {}): Promise<void> {
    const [role] = name.split('-') as [string];
    const settings = {
      log: 'kafka',
      'kafka-brokers': this.#options.brokersOf(role).join(','),
      'kafka-session-timeout-ms': String(SESSION_TIMEOUT_MS),
      data: this.dataOf(name),
      'blobs-folder': join(this.#options.folder, 'shared', 'blobs'),
      port: '0',
      'log-level': 'warn',
      'topics-partitions': '4',
      'vision-synthetic-enabled': 'true',
      'vision-synthetic-delay-ms': '20',
      ...this.#options.settings,
      ...more,
    };
    const flags = Object.entries(settings).flatMap(([flag, value]) => [`--${flag}`, value]);
    this.#running.set(name, await startSluice([role, ...flags]));
  }

  /** The data folder of one process; the keys in it are those of all. */
  dataOf(name: string): string {
    const data = join(this.#options.folder, name);
    mkdirSync(data, { recursive: true });
    try {
      symlinkSync(join(this.#options.folder, 'shared', 'keys'), join(data, 'keys'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    return data;
  }

  /** Where it listens; nowhere while it is down. */
  url(name: string): string {
    return this.#running.get(name)?.url ?? 'http://127.0.0.1:1';
  }

  stderr(name: string): string {
    return this.#running.get(name)!.stderr();
  }

  async kill(name: string): Promise<void> {
    await this.#running.get(name)!.kill();
    this.#running.delete(name);
  }

  /** @returns the exit code */
  async stop(name: string): Promise<number | null> {
    const code = await this.#running.get(name)!.stop();
    this.#running.delete(name);
    return code;
  }

  /** Freezes a process, or lets it go on. */
  signal(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    process.kill(-this.#running.get(name)!.pid, signal);
  }

  token(client: string): string {
    return runSluice(['token', '--client', client, '--data', join(this.#options.folder, 'shared')]).trim();
  }

  /** Clients of their own that submit until they are told to stop. */
  async load(): Promise<Load> {
    const load = ++this.#loads;
    const tokens = Array.from({ length: CLIENTS }, (_, n) => this.token(`client-${load}-${n}-${randomUUID()}`));
    const programs = tokens.map((token) => new ClientProgram(token));
    return new Load(this, programs, await smallImage());
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running.values()].map((process) => process.kill()));
  }
}

export function smallImage(): Promise<Buffer> {
  return sharp({ create: { width: 64, height: 64, channels: 3, background: 'white' } })
    .jpeg()
    .toBuffer();
}

export class Load {
  readonly #roles: RolesOnKafka;
  readonly #programs: readonly ClientProgram[];
  readonly #submitting: Promise<unknown>;
  #isStopping = false;

  constructor(roles: RolesOnKafka, programs: readonly ClientProgram[], image: Buffer) {
    this.#roles = roles;
    this.#programs = programs;
    this.#submitting = Promise.all(programs.map((program) => this.#submit(program, image)));
    // Waited for at the end; until then a refusal that is not allowed must not end the test process.
    this.#submitting.catch(() => undefined);
  }

  get accepted(): number {
    return this.#programs.reduce((sum, { accepted }) => sum + accepted.size, 0);
  }

  /**
   * Lets the clients finish, and reads their streams: everything that was accepted must be on them, once.
   * @param during names the fault in the line of counts
   */
  async expectExactlyOnce(during: string): Promise<void> {
    this.#isStopping = true;
    await this.#submitting;
    const counts = { accepted: this.accepted, messages: 0, refused: {} as Record<string, number> };
    for (const { token, accepted, refused } of this.#programs) {
      const url = this.#roles.url('firehose');
      const messages: Message[] = await readFirehose(url, token, (seen) => isComplete(seen, accepted), READ_TIMEOUT_MS);
      expectExactlyOnce(messages, accepted);
      counts.messages += messages.length;
      for (const [status, count] of refused) counts.refused[status] = (counts.refused[status] ?? 0) + count;
    }
    console.info(`${during}: ${JSON.stringify(counts)}`);
  }

  async #submit(program: ClientProgram, image: Buffer): Promise<void> {
    for (let n = 0; !this.#isStopping; n++) {
      const transaction = `t${Math.floor(n / IMAGES_PER_TRANSACTION)}`;
      await program.submitAll(() => this.#roles.url('gateway'), [{ transaction, image }]);
      await sleep(PAUSE_MS);
    }
  }
}
