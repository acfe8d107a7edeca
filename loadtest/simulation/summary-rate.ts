/** What a record of results-1 costs the summary service: checked, folded, kept, and its share of the summaries that follow. */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig } from '../../protocol/config/load.ts';
import { packEvent } from '../../protocol/envelope.ts';
import { ServiceCompleted } from '../../protocol/generated/completion/v1m0/completion_pb.js';
import { ImageAccepted } from '../../protocol/generated/ingest/v1m0/ingest_pb.js';
import { TextLine } from '../../protocol/generated/ocr/v1m0/ocr_pb.js';
import type { ProduceRecord } from '../../protocol/log/log.ts';
import { RESULTS_TOPIC } from '../../protocol/log/topics.ts';
import { newMessageId } from '../../protocol/message-id.ts';
import type { AnyMessageType } from '../../protocol/registry.ts';
import { SummaryConfig } from '../../vision/summary/config.ts';
import { startSummary } from '../../vision/summary/main.ts';
import type { BenchContext, OpenVariant } from '../suite.ts';
import { openRoleContext } from './role-context.ts';
import { VISION_SERVICES } from './workload.ts';

const CLIENTS = 100;
const IMAGES = 2_000;
const RESULTS = 7;
/** With the acceptance, a completion of each service, and the summary itself. */
const RECORDS_PER_IMAGE = 1 + RESULTS + VISION_SERVICES.length + 1;
const SUMMARIES = 'sluice_summary_summaries_total';

/** Each round it finds a backlog of images, one to a transaction, and is measured until each has its summary. */
export async function openSummaryVariant({ folder, scale }: BenchContext): Promise<OpenVariant> {
  const { context, token } = await openRoleContext(folder);
  const grants = { 'ocr-*': {}, 'barcode-*': {}, 'faceextract-*': {}, 'summary-1': {} };
  const tokens = await Promise.all(Array.from({ length: CLIENTS }, (_, client) => token(`client-${client}`, grants)));
  const config = loadConfig(SummaryConfig, { flags: {}, environment: {} });
  const count = Math.max(10, Math.round(IMAGES * scale));
  return {
    async measure() {
      const records = Array.from({ length: count }, (_, image) => recordsOf(image % CLIENTS, tokens));
      await context.log.produce(RESULTS_TOPIC, records.flat());
      context.metrics.clear();
      const [began, before] = [performance.now(), process.threadCpuUsage()];
      const role = await startSummary(context, config);
      try {
        while ((await summaries()) < count) await sleep(10);
      } finally {
        await role.stop();
      }
      const { user, system } = process.threadCpuUsage(before);
      const done = count * RECORDS_PER_IMAGE;
      return {
        value: done / ((user + system) / 1e6),
        also: { by_the_clock: done / ((performance.now() - began) / 1000) },
      };
    },
    close: () => context.log.close(),
  };

  async function summaries(): Promise<number> {
    const { values } = await context.metrics.getSingleMetric(SUMMARIES)!.get();
    return values[0]?.value ?? 0;
  }
}

function recordsOf(number: number, tokens: readonly string[]): ProduceRecord[] {
  const [client, eventTime] = [`client-${number}`, Date.now()];
  const imageId = newMessageId(eventTime);
  const context = { correlationId: imageId, client, token: tokens[number]!, traceparent: '' };
  const record = <T extends object>(type: AnyMessageType & { create(value: T): object }, message: T): ProduceRecord => {
    const event = { messageId: newMessageId(eventTime), eventTime, type, message: type.create(message) };
    return { key: client, value: packEvent(context, event) };
  };
  const services = [...VISION_SERVICES];
  return [
    record(ImageAccepted, { imageId, width: 640, height: 480, size: 100 << 10, services }),
    ...Array.from({ length: RESULTS }, (_, index) =>
      record(TextLine, { imageId, index, label: 'text', confidence: 0.9, text: `line ${index}` }),
    ),
    ...services.map((service) =>
      record(ServiceCompleted, { imageId, service, version: '1.0', results: service === 'ocr' ? RESULTS : 0 }),
    ),
  ];
}
