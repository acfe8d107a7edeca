/**
 * Spans of the way of one image, each a call of one line: `submissionSpan` at the edge, `workSpan` around work on one
 * event, `pastSpan` for what is only known afterwards (waiting on the log, a share of a batch).
 *
 * The trace travels as the envelope's `traceparent`, which names the submission's span and is the parent of every span
 * that follows, so that one trace shows the whole way from submission to delivery. Whether it is recorded is decided once,
 * at the edge, and read from the traceparent afterwards: an event that is not sampled costs one look at a string.
 */
import {
  type Attributes,
  type Context,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from '@opentelemetry/api';
import { formatTraceparent, newTraceContext, parseTraceparent } from './traceparent.ts';

/** Asked for each time: a tracer kept would go on with the provider of its first span. */
const tracer = () => trace.getTracer('sluice');

/**
 * Runs the acceptance of a submission within a span. The sender's own `traceparent` is continued, but not its wish to
 * be sampled: what is recorded is for the operator to decide.
 *
 * @param run gets the traceparent for the envelopes
 */
export async function submissionSpan<T>(
  header: string | undefined,
  attributes: Attributes,
  run: (traceparent: string) => Promise<T>,
): Promise<T> {
  const span = tracer().startSpan('submit', { kind: SpanKind.SERVER, attributes }, remote(header, TraceFlags.NONE));
  const { traceId, spanId, traceFlags } = span.spanContext();
  const known = trace.isSpanContextValid(span.spanContext());
  const context = known ? { traceId, spanId, sampled: traceFlags === TraceFlags.SAMPLED } : newTraceContext();
  return within(span, () => run(formatTraceparent(context)));
}

/**
 * Runs work on one event within a span, if the event's trace is sampled.
 * @param name what is done, without names of clients or ids: `vision ocr`, `push deliver`
 */
export async function workSpan<T>(
  name: string,
  traceparent: string,
  attributes: Attributes,
  run: () => Promise<T>,
): Promise<T> {
  if (!isSampled(traceparent)) return run();
  const parent = remote(traceparent, TraceFlags.SAMPLED);
  return within(tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes }, parent), run);
}

/**
 * Records a span that is over, if the event's trace is sampled.
 * @param startTime, endTime milliseconds since the epoch
 */
export function pastSpan(
  name: string,
  traceparent: string,
  times: { readonly startTime: number; readonly endTime: number },
  attributes: Attributes,
): void {
  if (!isSampled(traceparent)) return;
  const parent = remote(traceparent, TraceFlags.SAMPLED);
  const { startTime, endTime } = times;
  tracer().startSpan(name, { kind: SpanKind.CONSUMER, attributes, startTime }, parent).end(endTime);
}

/** Whether spans of this trace are recorded; for callers that would have to prepare attributes. */
export function isSampled(traceparent: string): boolean {
  return traceparent.endsWith('-01');
}

function remote(traceparent: string | undefined, traceFlags: TraceFlags): Context {
  const parent = parseTraceparent(traceparent);
  if (parent === undefined) return ROOT_CONTEXT;
  const { traceId, spanId } = parent;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

async function within<T>(span: Span, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    const { name, message, status } = error as Error & { status?: number };
    span.setAttribute('error.type', name);
    // What was the sender's mistake is not an error of the service.
    if (status === undefined || status >= 500) span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw error;
  } finally {
    span.end();
  }
}
