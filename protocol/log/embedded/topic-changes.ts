/** Creates, alters and deletes topics. Runs in the writer thread. */
import { randomBytes } from 'node:crypto';
import type { TopicDefinition } from '../log.ts';
import { rebalance, rebalanceSubscribersOf } from './groups.ts';
import type { LogState } from './log-state.ts';
import { Refusal } from './operations.ts';
import { createRecordsTable, recordsTable } from './schema.ts';

export function createTopics(state: LogState, definitions: readonly TopicDefinition[]): void {
  for (const definition of definitions) check(definition);
  for (const definition of definitions) {
    if (state.topics().has(definition.name)) continue;
    state
      .sql('INSERT INTO topics (name, epoch, definition) VALUES (?, ?, ?)')
      .run(definition.name, newEpoch(), JSON.stringify(definition));
    addPartitions(state, definition, 0);
    state.topicsChanged();
    rebalanceSubscribersOf(state, definition.name);
  }
}

/** Partitions can be added, which starts a new epoch since keys move; they cannot be taken away. */
export function alterTopic(state: LogState, definition: TopicDefinition): void {
  check(definition);
  const { definition: current, slots, epoch } = state.topic(definition.name);
  if (definition.kind !== current.kind || definition.partitions < slots.length)
    throw new Refusal({
      kind: 'invalid',
      message: `topic '${definition.name}' would have to be recreated to change its kind or lose partitions`,
    });
  const grows = definition.partitions > slots.length;
  state
    .sql('UPDATE topics SET definition = ?, epoch = ? WHERE name = ?')
    .run(JSON.stringify(definition), grows ? newEpoch() : epoch, definition.name);
  if (grows) addPartitions(state, definition, slots.length);
  state.topicsChanged();
  if (grows) rebalanceSubscribersOf(state, definition.name);
}

export function deleteTopic(state: LogState, name: string): void {
  const { slots } = state.topic(name);
  const groups = state
    .sql('SELECT DISTINCT group_name AS name FROM positions JOIN partitions USING (slot) WHERE topic = ?')
    .all(name) as { name: string }[];
  for (const slot of slots) {
    state.sql('DELETE FROM partitions WHERE slot = ?').run(slot); // positions go with it
    state.db.exec(`DROP TABLE ${recordsTable(slot)}`);
  }
  state.sql('DELETE FROM topics WHERE name = ?').run(name);
  state.topicsChanged();
  for (const group of groups) rebalance(state, group.name);
  state.groupsChanged();
}

function addPartitions(state: LogState, definition: TopicDefinition, from: number): void {
  for (let partition = from; partition < definition.partitions; partition++) {
    const { lastInsertRowid } = state
      .sql('INSERT INTO partitions (topic, partition) VALUES (?, ?)')
      .run(definition.name, partition);
    createRecordsTable(state.db, Number(lastInsertRowid), definition.kind);
  }
}

function check({ name, partitions }: TopicDefinition): void {
  const message = !/^[a-zA-Z0-9._-]{1,249}$/.test(name)
    ? `'${name}' cannot name a topic`
    : !Number.isInteger(partitions) || partitions < 1
      ? `topic '${name}' cannot have ${partitions} partitions`
      : undefined;
  if (message !== undefined) throw new Refusal({ kind: 'invalid', message });
}

function newEpoch(): string {
  return randomBytes(8).readBigUInt64BE().toString(36).slice(0, 10);
}
