/**
 * Compares topics as they are defined with topics as they are, and brings the log in line: `sluice topics show|diff|apply`.
 *
 * Nothing here deletes: a topic that would have to be recreated is left as it is, and said to be so.
 */
import { UnknownTopicError } from './errors.ts';
import type { Log, TopicDefinition, TopicDescription } from './log.ts';

/** One property that differs. */
export interface Drift {
  readonly property: 'kind' | 'partitions' | 'replication' | 'retentionMs' | 'retentionBytes' | 'maxMessageBytes';
  readonly wanted: string | number | undefined;
  readonly actual: string | number | undefined;
}

export type TopicPlan =
  | { readonly action: 'none'; readonly definition: TopicDefinition; readonly epoch: string }
  | { readonly action: 'create'; readonly definition: TopicDefinition }
  | {
      readonly action: 'alter';
      readonly definition: TopicDefinition;
      readonly epoch: string;
      readonly drift: readonly Drift[];
      /** Partitions are added: keys move to other partitions, and every position of the topic is void. */
      readonly newEpoch: boolean;
    }
  | {
      /** Only recreating the topic, or the cluster's own tools, could bring it in line. */
      readonly action: 'refuse';
      readonly definition: TopicDefinition;
      readonly epoch: string;
      readonly drift: readonly Drift[];
      readonly reason: string;
    };

const COMPARED: readonly Drift['property'][] = [
  'kind',
  'partitions',
  'replication',
  'retentionMs',
  'retentionBytes',
  'maxMessageBytes',
];

/** What there is, of the topics that are defined. Those that do not exist have no description. */
export async function showTopics(
  log: Log,
  definitions: readonly TopicDefinition[],
): Promise<{ definition: TopicDefinition; description: TopicDescription | undefined }[]> {
  return Promise.all(
    definitions.map(async (definition) => ({ definition, description: await describe(log, definition.name) })),
  );
}

/** What `applyTopics` would do. @param log only read */
export async function diffTopics(log: Log, definitions: readonly TopicDefinition[]): Promise<TopicPlan[]> {
  const shown = await showTopics(log, definitions);
  return shown.map(({ definition, description }) => planTopic(definition, description));
}

/**
 * Creates and alters topics until they are as defined; refused ones stay as they are. Doing it again does nothing.
 *
 * @param allowNewEpoch whether partitions may be added to a topic that exists
 * @returns what was done, and what was refused
 */
export async function applyTopics(
  log: Log,
  definitions: readonly TopicDefinition[],
  { allowNewEpoch }: { readonly allowNewEpoch: boolean },
): Promise<TopicPlan[]> {
  const plans = (await diffTopics(log, definitions)).map((plan): TopicPlan => {
    if (plan.action !== 'alter' || !plan.newEpoch || allowNewEpoch) return plan;
    return {
      ...plan,
      action: 'refuse',
      reason: 'more partitions move keys and void every position: allow it explicitly',
    };
  });
  await log.createTopics(plans.filter(({ action }) => action === 'create').map(({ definition }) => definition));
  for (const { action, definition } of plans) if (action === 'alter') await log.alterTopic(definition);
  return plans;
}

/** Pure. */
export function planTopic(definition: TopicDefinition, description: TopicDescription | undefined): TopicPlan {
  if (description === undefined) return { action: 'create', definition };
  const { definition: actual, epoch } = description;
  const drift = COMPARED.filter((property) => definition[property] !== actual[property]).map((property): Drift => {
    return { property, wanted: definition[property], actual: actual[property] };
  });
  if (drift.length === 0) return { action: 'none', definition, epoch };
  const refuse = (reason: string): TopicPlan => ({ action: 'refuse', definition, epoch, drift, reason });
  if (definition.kind !== actual.kind) return refuse('its kind cannot change: it would have to be recreated');
  if (definition.partitions < actual.partitions) return refuse('it would have to be recreated to lose partitions');
  if (definition.replication !== actual.replication)
    return refuse("copies are moved by the cluster's own tools (kafka-reassign-partitions.sh)");
  return { action: 'alter', definition, epoch, drift, newEpoch: definition.partitions > actual.partitions };
}

async function describe(log: Log, name: string): Promise<TopicDescription | undefined> {
  try {
    return await log.describeTopic(name);
  } catch (error) {
    if (error instanceof UnknownTopicError) return undefined;
    throw error;
  }
}
