/**
 * The worker loop of one vision service.
 *
 * Decode → analyse → send → acknowledge. Each image of ingest-1 that a token grants to this service is analysed; its
 * results and, last, the marker that there are no more go to results-1 in one produce; then its position may be
 * committed. Images of a batch are in work side by side as far as the gate lets them; the outcomes of one transaction leave in
 * the order of its images. An image that fails is tried again a few times, then told to the client as failed and
 * set aside in dead-letter-1. When nothing can pass (the log or the models are not there) the handler throws, and the log brings
 * the unfinished records again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { BlobStore } from '../../protocol/blob/blob-store.ts';
import type { TokenVerifier } from '../../protocol/claims/verifier.ts';
import type { Batch, LogRecord, Subscription } from '../../protocol/log/log.ts';
import { INGEST_TOPIC } from '../../protocol/log/topics.ts';
import { workSpan } from '../../protocol/telemetry/spans.ts';
import { drainSignal } from './drain-signal.ts';
import type { Engine } from './engine.ts';
import { type Failure, failureOf, kindOf } from './failure.ts';
import { Gate } from './gate.ts';
import { Contiguous, Turns } from './in-order.ts';
import { logFor, type Outcome, OutcomeSender, type OutcomeSenderDependencies } from './outcome-sender.ts';
import { consumerGroup } from './service-identity.ts';
import { PoisonedRecord, readTask, type Task } from './task.ts';

export interface WorkerOptions {
  readonly maxImagesInFlight: number;
  readonly maxBytesInFlight: number;
  readonly maxBatchBytes: number;
  readonly imageTimeoutMs: number;
  readonly attempts: number;
  readonly retryDelayMs: number;
  readonly maxDeaths: number;
}

export interface WorkerDependencies extends OutcomeSenderDependencies {
  readonly verifier: TokenVerifier;
  readonly blobs: BlobStore;
  readonly engine: Engine;
}

/** Starts consuming. Resolves once the worker is a member of its consumer group. */
export function startWorker(dependencies: WorkerDependencies, options: WorkerOptions): Promise<Subscription> {
  return new Worker(dependencies, options).subscribe();
}

class Worker {
  readonly #to: WorkerDependencies;
  readonly #options: WorkerOptions;
  readonly #gate: Gate;
  readonly #sender: OutcomeSender;

  constructor(dependencies: WorkerDependencies, options: WorkerOptions) {
    this.#to = dependencies;
    this.#options = options;
    this.#sender = new OutcomeSender(dependencies);
    this.#gate = new Gate({ count: options.maxImagesInFlight, bytes: options.maxBytesInFlight });
  }

  subscribe(): Promise<Subscription> {
    return this.#to.log.subscribe({
      group: consumerGroup(this.#to.service),
      topics: [INGEST_TOPIC],
      maxBatchBytes: this.#options.maxBatchBytes,
      onBatch: (batch) => this.#work(batch),
      onError: (error) => this.#to.logger.warn({ err: error }, 'images wait: the worker cannot go on'),
    });
  }

  async #work(batch: Batch): Promise<void> {
    // One record that cannot go on for reasons outside itself stops the batch: what is done would only be done again.
    const halt = new AbortController();
    const taken = AbortSignal.any([batch.signal, halt.signal]);
    const drain = drainSignal(taken);
    const turns = new Turns();
    const finished = new Contiguous(batch.records.map(({ offset }) => offset));
    const work: Promise<void>[] = [];
    try {
      // Into the gate in the order of the log, so that the earliest is never kept out by later ones.
      for (const [index, record] of batch.records.entries()) {
        const { outcome } = await this.#begin(record, { taken, cut: drain.signal });
        const finish = turns.after(record.key, outcome, (it) => this.#sender.send(record, it));
        const done = finish.then(() => {
          const upTo = finished.done(index);
          if (upTo !== undefined) batch.finished(upTo);
        });
        done.catch((error: unknown) => halt.abort(error));
        work.push(done);
      }
    } finally {
      await Promise.allSettled(work);
      drain.clear();
    }
    if (halt.signal.aborted) throw halt.signal.reason;
  }

  /**
   * Reads a record and waits for room to work on its image.
   * @returns the work under way; it rejects with what is no fault of the record: the log, the models or the process are going away
   */
  async #begin(
    record: LogRecord,
    signals: { taken: AbortSignal; cut: AbortSignal },
  ): Promise<{ outcome: Promise<Outcome> }> {
    signals.taken.throwIfAborted();
    const task = await this.#read(record);
    if (task === undefined) return settled({ kind: 'not-granted' });
    if (task instanceof PoisonedRecord) return settled({ kind: 'poisoned', failure: failureOf(task, 1) });
    const deaths = this.#to.attempts.deaths(task.event.messageId);
    if (deaths >= this.#options.maxDeaths) return settled({ kind: 'failed', task, failure: deadly(deaths) });
    const entrance = { bytes: task.size, alone: deaths > 0, since: record.timestamp };
    const leave = await this.#gate.enter(entrance, signals.taken);
    return { outcome: this.#inside(task, signals, leave) };
  }

  async #inside(task: Task, signals: { taken: AbortSignal; cut: AbortSignal }, leave: () => void): Promise<Outcome> {
    this.#to.metrics.inFlight(this.#gate.count, this.#gate.bytes);
    try {
      // Within: a disk that is full must not keep the place that the image has taken.
      this.#to.attempts.begin(task.event.messageId, this.#to.now());
      const { name, version } = this.#to.service;
      const attributes = { 'sluice.service': name, 'sluice.version': version, 'sluice.image': task.imageId };
      return await workSpan(`vision ${name}`, task.event.traceparent, attributes, () => this.#analyse(task, signals));
    } catch (error) {
      this.#to.attempts.release(task.event.messageId);
      throw error;
    } finally {
      leave();
      this.#to.metrics.inFlight(this.#gate.count, this.#gate.bytes);
    }
  }

  async #read(record: LogRecord): Promise<Task | PoisonedRecord | undefined> {
    try {
      return await readTask(record, this.#to.service, this.#to.verifier, this.#to.blobs);
    } catch (error) {
      if (error instanceof PoisonedRecord) return error;
      throw error;
    }
  }

  async #analyse(task: Task, signals: { taken: AbortSignal; cut: AbortSignal }): Promise<Outcome> {
    const { attempts, imageTimeoutMs, retryDelayMs } = this.#options;
    for (let attempt = 1; ; attempt++) {
      try {
        const image = { imageId: task.imageId, bytes: await task.load() };
        const analysis = await this.#to.engine.analyse(image, task.config, {
          timeoutMs: imageTimeoutMs,
          signal: signals.cut,
        });
        return { kind: 'completed', task, analysis };
      } catch (error) {
        const kind = kindOf(error);
        if (kind === 'outage') throw error;
        if (kind === 'permanent' || attempt >= attempts)
          return { kind: 'failed', task, failure: failureOf(error, attempt) };
        this.#to.metrics.retried();
        logFor(this.#to.logger, task).warn({ err: error, attempt }, 'the image failed and is tried again');
        await sleep(retryDelayMs * 2 ** (attempt - 1), undefined, { signal: signals.taken });
      }
    }
  }
}

function settled(outcome: Outcome): { outcome: Promise<Outcome> } {
  return { outcome: Promise.resolve(outcome) };
}

function deadly(deaths: number): Failure {
  return {
    problem: 'analysis-crashed',
    detail: `the process died ${deaths} times with this image in work`,
    attempts: deaths,
    setAside: true,
  };
}
