/**
 * Who shall have which partition: balanced per topic, and moving no more than balance needs (sticky).
 *
 * Pure. Every partition of a topic goes to one of the members that subscribe to it; no two of them differ by more than one
 * partition of that topic; where members are equal in that, the one with fewer partitions overall takes the next.
 */

export interface Candidate {
  readonly member: string;
  readonly topics: ReadonlySet<string>;
}

export interface AssignablePartition {
  readonly slot: number;
  readonly topic: string;
  /** Who has it or was meant to have it; it stays there if balance allows. */
  readonly holder: string | undefined;
}

/** @returns member by slot; slots of topics that nobody subscribes to are absent */
export function assign(partitions: readonly AssignablePartition[], members: readonly Candidate[]): Map<number, string> {
  const result = new Map<number, string>();
  const total = new Map(members.map(({ member }) => [member, 0]));
  for (const [topic, ofTopic] of Map.groupBy(partitions, (partition) => partition.topic)) {
    const takers = members.filter(({ topics }) => topics.has(topic)).map(({ member }) => member);
    if (takers.length === 0) continue;
    const share = Math.floor(ofTopic.length / takers.length);
    let larger = ofTopic.length % takers.length;
    const counts = new Map(takers.map((member) => [member, 0]));
    const take = (slot: number, member: string) => {
      result.set(slot, member);
      counts.set(member, counts.get(member)! + 1);
      total.set(member, total.get(member)! + 1);
    };
    const moving: number[] = [];
    for (const { slot, holder } of ofTopic.toSorted((a, b) => a.slot - b.slot)) {
      const held = holder === undefined ? undefined : counts.get(holder);
      if (held === undefined || held > share || (held === share && larger === 0)) moving.push(slot);
      else {
        if (held === share) larger--;
        take(slot, holder!);
      }
    }
    for (const slot of moving) {
      const next = takers.reduce((a, b) => (order(a, b, counts, total) <= 0 ? a : b));
      take(slot, next);
    }
  }
  return result;
}

function order(a: string, b: string, counts: Map<string, number>, total: Map<string, number>): number {
  return counts.get(a)! - counts.get(b)! || total.get(a)! - total.get(b)! || (a < b ? -1 : 1);
}
