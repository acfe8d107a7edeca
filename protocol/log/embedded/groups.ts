/**
 * Consumer groups: who is a member, who has which partition, how far each partition is consumed. Runs in the writer thread.
 *
 * A member lives as long as it renews its lease. Each partition has an `owner` and a `target`; when they differ, the
 * owner finishes what it has in hand and releases, then the target claims: a living owner is never overtaken. A dead
 * one is evicted by whoever notices. Every claim raises the partition's lease number, and a position is only stored for the
 * lease that is current, so a zombie that wakes up cannot move it.
 */
import { type AssignablePartition, assign, type Candidate } from '../assignment.ts';
import { isInstanceDead, removeInstanceLock } from './instance-lock.ts';
import type { LogState } from './log-state.ts';
import {
  type ClaimedPartition,
  type Lease,
  type LeasedPosition,
  type Operations,
  type Position,
  Refusal,
} from './operations.ts';

interface MemberRow {
  readonly member: string;
  readonly group_name: string;
  readonly instance: string;
  readonly topics: string;
  readonly lease_ms: number;
  readonly expires_at: number;
}

/** Where instances keep their locks, and which one this is. */
export interface Membership {
  readonly folder: string;
  readonly instance: string;
}

export function join(state: LogState, membership: Membership, request: Operations['join']['request']): void {
  for (const topic of request.topics) state.topic(topic);
  evictDead(state, membership, request.now);
  state
    .sql(`INSERT INTO members (member, group_name, instance, topics, lease_ms, expires_at) VALUES (?, ?, ?, ?, ?, ?)`)
    .run(
      request.member,
      request.group,
      membership.instance,
      JSON.stringify(request.topics),
      request.leaseMs,
      request.now + request.leaseMs,
    );
  rebalance(state, request.group);
  state.groupsChanged();
}

export function heartbeat(
  state: LogState,
  membership: Membership,
  { members, now }: Operations['heartbeat']['request'],
): string[] {
  const unknown = members.filter(
    (member) =>
      state.sql('UPDATE members SET expires_at = ? + lease_ms WHERE member = ?').run(now, member).changes === 0,
  );
  evictDead(state, membership, now);
  return unknown;
}

export function claim(state: LogState, { group, member, slots }: Operations['claim']['request']): ClaimedPartition[] {
  const claimed: ClaimedPartition[] = [];
  for (const slot of slots) {
    const row = state
      .sql(
        `UPDATE positions SET owner = target, lease = lease + 1
         WHERE group_name = ? AND slot = ? AND owner IS NULL AND target = ? RETURNING lease, committed`,
      )
      .get(group, slot, member) as { lease: number; committed: number | null } | undefined;
    if (row !== undefined) claimed.push({ slot, lease: row.lease, committed: row.committed ?? undefined });
  }
  return claimed;
}

export function commit(state: LogState, group: string, positions: readonly LeasedPosition[]): number[] {
  return positions
    .filter(
      ({ slot, lease, offset }) =>
        state
          .sql(
            `UPDATE positions SET committed = ?
             WHERE group_name = ? AND slot = ? AND lease = ? AND owner IS NOT NULL`,
          )
          .run(offset, group, slot, lease).changes === 0,
    )
    .map(({ slot }) => slot);
}

export function release(state: LogState, group: string, leases: readonly Lease[]): void {
  for (const { slot, lease } of leases)
    state
      .sql('UPDATE positions SET owner = NULL WHERE group_name = ? AND slot = ? AND lease = ?')
      .run(group, slot, lease);
  state.groupsChanged();
}

export function leave(state: LogState, { group, member }: Operations['leave']['request']): void {
  state.sql('DELETE FROM members WHERE member = ?').run(member);
  rebalance(state, group);
  state.groupsChanged();
}

export function commitOffsets(
  state: LogState,
  membership: Membership,
  { group, positions, now }: { group: string; positions: readonly Position[]; now: number },
): void {
  evictDead(state, membership, now);
  if (state.sql('SELECT 1 FROM members WHERE group_name = ?').get(group) !== undefined)
    throw new Refusal({ kind: 'group-active', group });
  for (const { slot, offset } of positions)
    state
      .sql(
        `INSERT INTO positions (group_name, slot, committed) VALUES (?, ?, ?)
         ON CONFLICT DO UPDATE SET committed = excluded.committed`,
      )
      .run(group, slot, offset);
}

export function rebalanceSubscribersOf(state: LogState, topic: string): void {
  const groups = state
    .sql(
      `SELECT DISTINCT group_name AS name FROM members
       WHERE EXISTS (SELECT 1 FROM json_each(members.topics) WHERE value = ?)`,
    )
    .all(topic) as { name: string }[];
  for (const { name } of groups) rebalance(state, name);
}

/** Computes anew who shall have what in a group, and frees what belonged to members that are gone. */
export function rebalance(state: LogState, group: string): void {
  const rows = state.sql('SELECT member, topics FROM members WHERE group_name = ?').all(group) as MemberRow[];
  const members: Candidate[] = rows.map(({ member, topics }) => ({ member, topics: new Set(JSON.parse(topics)) }));
  const known = new Set(rows.map(({ member }) => member));
  for (const topic of new Set(members.flatMap(({ topics }) => [...topics])))
    state
      .sql('INSERT OR IGNORE INTO positions (group_name, slot) SELECT ?, slot FROM partitions WHERE topic = ?')
      .run(group, topic);

  const current = state
    .sql('SELECT slot, topic, owner, target FROM positions JOIN partitions USING (slot) WHERE group_name = ?')
    .all(group) as { slot: number; topic: string; owner: string | null; target: string | null }[];
  const living = (member: string | null) => (member !== null && known.has(member) ? member : undefined);
  const partitions: AssignablePartition[] = current.map(({ slot, topic, owner, target }) => ({
    slot,
    topic,
    holder: living(owner) ?? living(target),
  }));
  const targets = assign(partitions, members);
  for (const { slot, owner, target } of current) {
    const newOwner = living(owner) ?? null;
    const newTarget = targets.get(slot) ?? null;
    if (newOwner === owner && newTarget === target) continue;
    state
      .sql('UPDATE positions SET owner = ?, target = ? WHERE group_name = ? AND slot = ?')
      .run(newOwner, newTarget, group, slot);
    state.groupsChanged();
  }
}

/**
 * A member is dead when its lease has run out, or at once when its process has ended: then its instance's lock is free. A
 * lease that ends later than any lease can was granted before the clock was set back.
 */
function evictDead(state: LogState, membership: Membership, now: number): void {
  const rows = state.sql('SELECT * FROM members').all() as MemberRow[];
  const ended = new Map<string, boolean>();
  const groups = new Set<string>();
  for (const { member, group_name, instance, lease_ms, expires_at } of rows) {
    if (instance !== membership.instance && !ended.has(instance))
      ended.set(instance, isInstanceDead(membership.folder, instance));
    if (expires_at > now && expires_at <= now + lease_ms && ended.get(instance) !== true) continue;
    state.sql('DELETE FROM members WHERE member = ?').run(member);
    groups.add(group_name);
  }
  for (const group of groups) rebalance(state, group);
  if (groups.size > 0) state.groupsChanged();
  for (const [instance, dead] of ended) if (dead) removeInstanceLock(membership.folder, instance);
}
