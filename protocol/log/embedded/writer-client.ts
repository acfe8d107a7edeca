/**
 * The near end of the writer thread: calls go over, promises settle when their transaction has committed.
 *
 * Calls made in one turn of the event loop travel together. What waits is bounded in bytes: beyond that the log says
 * that it is unavailable rather than fill the memory of a process whose disk is slow.
 */
import { Worker } from 'node:worker_threads';
import { GroupActiveError, LogUnavailableError, RecordTooLargeError, UnknownTopicError } from '../errors.ts';
import type {
  Answer,
  Call,
  Failure,
  FromWriter,
  OperationName,
  Operations,
  ToWriter,
  WriterSettings,
} from './operations.ts';

interface Waiting {
  readonly bytes: number;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

export class WriterClient {
  readonly #worker: Worker;
  readonly #maxWaitingBytes: number;
  readonly #waiting = new Map<number, Waiting>();
  #nextId = 0;
  #waitingBytes = 0;
  #outbox: Call[] = [];
  #transfers: ArrayBuffer[] = [];
  #broken: LogUnavailableError | undefined;
  #closed: Promise<void> | undefined;
  #onClosed: (() => void) | undefined;

  private constructor(worker: Worker, maxWaitingBytes: number) {
    this.#worker = worker;
    this.#maxWaitingBytes = maxWaitingBytes;
    worker.on('message', (message: FromWriter) => {
      if ('answers' in message) for (const answer of message.answers) this.#settle(answer);
    });
    worker.on('error', (error) => this.#break(error.message));
    worker.on('exit', () => {
      this.#break('its writer thread has ended');
      this.#onClosed?.();
    });
  }

  /** @throws what kept the database from opening */
  static async start(settings: WriterSettings, maxWaitingBytes: number): Promise<WriterClient> {
    // The flags of this process (test runners have some) are not the thread's.
    const worker = new Worker(new URL('./writer-thread.ts', import.meta.url), { workerData: settings, execArgv: [] });
    await new Promise<void>((resolve, reject) => {
      worker.once('message', () => {
        worker.off('error', reject);
        resolve();
      });
      worker.once('error', reject);
    });
    return new WriterClient(worker, maxWaitingBytes);
  }

  /**
   * @param bytes memory that the request holds until it is answered
   * @throws {LogUnavailableError} and what the operation refuses with
   */
  call<K extends OperationName>(
    operation: K,
    request: Operations[K]['request'],
    bytes = 0,
    transfer?: ArrayBuffer,
  ): Promise<Operations[K]['result']> {
    if (this.#broken !== undefined) return Promise.reject(this.#broken);
    // A single large request passes when nothing else waits.
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > this.#maxWaitingBytes)
      return Promise.reject(new LogUnavailableError(`${this.#waitingBytes} bytes already wait for the disk`));
    if (this.#outbox.length === 0) queueMicrotask(() => this.#send());
    const id = this.#nextId++;
    this.#outbox.push({ id, operation, request });
    if (transfer !== undefined) this.#transfers.push(transfer);
    this.#waitingBytes += bytes;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { bytes, resolve: resolve as (result: unknown) => void, reject });
    });
  }

  /** Finishes what was called before, then ends the thread. */
  close(): Promise<void> {
    this.#closed ??= new Promise((resolve) => {
      if (this.#broken !== undefined) return resolve();
      this.#onClosed = resolve;
      this.#send();
      this.#worker.postMessage({ close: true } satisfies ToWriter);
    });
    return this.#closed;
  }

  #send(): void {
    if (this.#outbox.length === 0) return;
    const calls = this.#outbox;
    const transfers = this.#transfers;
    this.#outbox = [];
    this.#transfers = [];
    this.#worker.postMessage({ calls } satisfies ToWriter, transfers);
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (waiting === undefined) return;
    this.#waiting.delete(answer.id);
    this.#waitingBytes -= waiting.bytes;
    if ('failure' in answer) waiting.reject(errorOf(answer.failure));
    else waiting.resolve(answer.result);
  }

  #break(reason: string): void {
    this.#broken ??= new LogUnavailableError(`the log is closed: ${reason}`);
    for (const { reject } of this.#waiting.values()) reject(this.#broken);
    this.#waiting.clear();
  }
}

function errorOf(failure: Failure): Error {
  switch (failure.kind) {
    case 'unknown-topic':
      return new UnknownTopicError(failure.topic);
    case 'record-too-large':
      return new RecordTooLargeError(failure.topic, failure.bytes, failure.limit);
    case 'group-active':
      return new GroupActiveError(failure.group);
    case 'invalid':
      return new TypeError(failure.message);
    case 'unavailable':
      return new LogUnavailableError(failure.message);
  }
}
