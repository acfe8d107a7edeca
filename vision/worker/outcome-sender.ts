/**
 * Tells the log what became of an image: its results and the marker, that it was given up, or that its record is poisoned. What
 * is set aside lies in dead-letter-1 before anyone is told.
 */
import type { Logger } from 'pino';
import { deadLetterRecord } from '../../protocol/dead-letter.ts';
import { RecordTooLargeError } from '../../protocol/log/errors.ts';
import type { Log, LogRecord, ProduceRecord } from '../../protocol/log/log.ts';
import { DEAD_LETTER_TOPIC, RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { correlationOf } from '../../protocol/telemetry/correlation.ts';
import type { Attempts } from './attempts.ts';
import type { ImageAnalysis } from './engine.ts';
import { type Failure, failureOf } from './failure.ts';
import type { WorkerMetrics } from './metrics.ts';
import { completedRecords, failedRecord } from './outcome.ts';
import { consumerGroup, type ServiceIdentity } from './service-identity.ts';
import type { Task } from './task.ts';

export type Outcome =
  | { readonly kind: 'completed'; readonly task: Task; readonly analysis: ImageAnalysis }
  | { readonly kind: 'failed'; readonly task: Task; readonly failure: Failure }
  | { readonly kind: 'poisoned'; readonly failure: Failure }
  | { readonly kind: 'not-granted' };

export interface OutcomeSenderDependencies {
  readonly service: ServiceIdentity;
  readonly log: Log;
  readonly attempts: Attempts;
  readonly metrics: WorkerMetrics;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

export class OutcomeSender {
  readonly #to: OutcomeSenderDependencies;

  constructor(dependencies: OutcomeSenderDependencies) {
    this.#to = dependencies;
  }

  /**
   * Rejects when the log does not take it: then nothing was said, or the same will be said again with the same ids.
   */
  async send(record: LogRecord, outcome: Outcome): Promise<void> {
    try {
      await this.#tell(record, outcome);
    } catch (error) {
      if ('task' in outcome) this.#to.attempts.release(outcome.task.event.messageId);
      throw error;
    }
    if ('task' in outcome) this.#to.attempts.finish(outcome.task.event.messageId);
    this.#to.metrics.finished(outcome.kind, 'analysis' in outcome ? outcome.analysis : undefined);
  }

  async #tell(record: LogRecord, outcome: Outcome): Promise<void> {
    switch (outcome.kind) {
      case 'not-granted':
        return;
      case 'poisoned':
        this.#to.logger.error(
          { ...positionOf(record), detail: outcome.failure.detail },
          'a poisoned record is set aside',
        );
        return this.#setAside(record, outcome.failure);
      case 'failed':
        return this.#sendFailure(record, outcome.task, outcome.failure);
      case 'completed': {
        const { task, analysis } = outcome;
        try {
          await this.#produce(completedRecords(task, this.#to.service, analysis, this.#to.now()));
        } catch (error) {
          if (!(error instanceof RecordTooLargeError)) throw error;
          return this.#sendFailure(record, task, failureOf(error, 1));
        }
      }
    }
  }

  async #sendFailure(record: LogRecord, task: Task, failure: Failure): Promise<void> {
    logFor(this.#to.logger, task).warn({ problem: failure.problem, detail: failure.detail }, 'the image is given up');
    // The dead letter first: a client is told of a failure only when an operator can find it.
    if (failure.setAside) await this.#setAside(record, failure);
    await this.#produce([failedRecord(task, this.#to.service, failure, this.#to.now())]);
  }

  async #setAside(record: LogRecord, failure: Failure): Promise<void> {
    const { problem, detail, attempts } = failure;
    const service = consumerGroup(this.#to.service);
    await this.#to.log.produce(DEAD_LETTER_TOPIC, [
      deadLetterRecord(record, { service, problem, detail, attempts, time: this.#to.now() }),
    ]);
  }

  async #produce(records: readonly ProduceRecord[]): Promise<void> {
    await this.#to.log.produce(RESULTS_TOPIC, records);
  }
}

/** With what tells which image of which transaction it is about. */
export function logFor(logger: Logger, task: Task): Logger {
  return logger.child({ ...correlationOf(task.event), image: task.imageId });
}

function positionOf({ topic, partition, offset }: LogRecord): object {
  return { topic, partition, offset };
}
