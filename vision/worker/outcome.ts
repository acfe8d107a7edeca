/**
 * What a service has to say about an image, as records for the log.
 *
 * Every message id follows from the image, the service and the place among the results: done twice, the same work sends the
 * same ids, and readers drop the repeat.
 */
import { packEvent } from '../../protocol/envelope.ts';
import { ServiceCompleted, ServiceFailed } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { Duration } from '../../protocol/generated/google/protobuf/duration_pb.js';
import { PROBLEM_TYPES, problemUri } from '../../protocol/http/problem-types.ts';
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { derivedMessageId } from '../../protocol/message-id.ts';
import type { ImageAnalysis } from './engine.ts';
import type { Failure } from './failure.ts';
import type { ServiceIdentity } from './service-identity.ts';
import type { Task } from './task.ts';

/** For results-1: the results in their order, then the marker that there are no more. @param now ms since the epoch */
export function completedRecords(
  task: Task,
  service: ServiceIdentity,
  analysis: ImageAnalysis,
  now: number,
): ProduceRecord[] {
  const results = analysis.results.map(({ type, message }, index) =>
    record(task, {
      messageId: derivedMessageId(task.imageId, service.name, service.version, type.typeName, index),
      eventTime: now,
      type,
      message: { ...message, imageId: task.imageId },
    }),
  );
  const marker = record(task, {
    messageId: derivedMessageId(task.imageId, service.name, service.version, 'completed'),
    eventTime: now,
    type: ServiceCompleted,
    message: {
      imageId: task.imageId,
      service: service.name,
      version: service.version,
      results: results.length,
      duration: durationOf(analysis.durationMs),
      models: [...analysis.models],
    },
  });
  return [...results, marker];
}

/** For results-1: that the service gave the image up. */
export function failedRecord(task: Task, service: ServiceIdentity, failure: Failure, now: number): ProduceRecord {
  return record(task, {
    messageId: derivedMessageId(task.imageId, service.name, service.version, 'failed'),
    eventTime: now,
    type: ServiceFailed,
    message: {
      imageId: task.imageId,
      service: service.name,
      version: service.version,
      type: problemUri(failure.problem),
      title: PROBLEM_TYPES[failure.problem].title,
      detail: failure.detail,
      attempts: failure.attempts,
    },
  });
}

function record<T extends object>(task: Task, event: Parameters<typeof packEvent<T>>[1]): ProduceRecord {
  return { key: task.event.client, value: packEvent(task.event, event) };
}

function durationOf(ms: number): Duration {
  const nanos = Math.round(ms * 1e6);
  return Duration.create({ seconds: Math.floor(nanos / 1e9), nanos: nanos % 1e9 });
}
