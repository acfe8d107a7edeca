/**
 * A cluster of firehose nodes over time, as a fluid in steps of a tenth of a second: the log grows, nodes journal it, readers
 * come, leave and are sent what they are owed. Nothing is random but who comes back when, which follows from the seed.
 *
 * What it leaves out: the way of an image before results-1, messages of different sizes, and that a busy thread serves some
 * readers before others. docs/simulation.md says what follows from that.
 */
import { holders } from '../../firehose/nodes/held-partitions.ts';
import type { ClusterCosts, ClusterLoad, ClusterShape } from './cluster-inputs.ts';
import type { Group, WaitingRoom } from './waiting-room.ts';

/** Seconds. */
export const STEP = 0.1;

interface Node {
  isUp: boolean;
  /** Partitions that it has a copy of. */
  readonly holds: readonly number[];
  /** This and what follows by partition; nothing where it has no copy. */
  readonly journaled: number[];
  readonly connections: number[];
  readonly owed: number[];
  streams: number;
  /** Share of its reading thread used in the last step. */
  used: number;
  opened: number;
}

export interface Snapshot {
  readonly seconds: number;
  /** Connections that are away. */
  readonly waiting: number;
  /** Messages × connections that exist and were not delivered. */
  readonly owed: number;
  /** Messages in the log that the furthest copy of their partition has not journaled. */
  readonly unjournaled: number;
  /** The busiest reading thread, 0 to 1. */
  readonly busiest: number;
  /** Of all reading threads, in this step. */
  readonly busySeconds: number;
  /** Most streams opened on one node in this step, a second. */
  readonly opensPerSecond: number;
}

export class Cluster {
  readonly #costs: ClusterCosts;
  readonly #shape: ClusterShape;
  readonly #load: ClusterLoad;
  readonly #room: WaitingRoom;
  readonly #nodes: Node[];
  /** Nodes with a copy, by partition. */
  readonly #holders: number[][];
  /** Messages in the log, by partition. */
  readonly #produced: number[];
  /** How far each connection's stream has come, by partition: what it has been owed since the beginning. */
  readonly #grown: number[];
  #step = 0;
  #delivered = 0;

  /** All connections are there, evenly spread, and up to date. */
  constructor(costs: ClusterCosts, shape: ClusterShape, load: ClusterLoad, room: WaitingRoom) {
    this.#costs = costs;
    this.#shape = shape;
    this.#load = load;
    this.#room = room;
    const { nodes: count, copies } = shape;
    this.#holders = Array.from({ length: shape.partitions }, (_, partition) => holders(partition, { count, copies }));
    this.#produced = new Array(shape.partitions).fill(0);
    this.#grown = new Array(shape.partitions).fill(0);
    this.#nodes = Array.from({ length: shape.nodes }, (_, index) => ({
      isUp: true,
      holds: this.#holders.flatMap((of, partition) => (of.includes(index) ? [partition] : [])),
      journaled: [],
      connections: [],
      owed: [],
      streams: 0,
      used: 0,
      opened: 0,
    }));
    for (const node of this.#nodes)
      for (const partition of node.holds) {
        node.journaled[partition] = 0;
        node.owed[partition] = 0;
        node.connections[partition] = this.#perPartition / this.#holders[partition]!.length;
        node.streams += node.connections[partition]!;
      }
  }

  get seconds(): number {
    return this.#step * STEP;
  }

  /** Deliveries so far, and those that exist to be made: what was delivered and what is owed is always all of it. */
  get account(): { readonly due: number; readonly delivered: number; readonly owed: number } {
    const due = this.#grown.reduce((sum, grown) => sum + grown * this.#perPartition, 0);
    return { due, delivered: this.#delivered, owed: this.#owed() };
  }

  get connections(): number {
    return this.#nodes.reduce((sum, { streams }) => sum + streams, this.#room.connections);
  }

  isUp(node: number): boolean {
    return this.#nodes[node]!.isUp;
  }

  /**
   * A node goes; its readers come back within an interval: at once, after a backoff, when a goodbye said so.
   * @param after and spread seconds
   */
  takeDown(index: number, after: number, spread: number): void {
    const node = this.#nodes[index]!;
    node.isUp = false;
    for (const partition of node.holds) {
      const connections = node.connections[partition]!;
      const base = node.owed[partition]! - connections * this.#grown[partition]!;
      this.#room.add({ partition, connections, base, attempt: 0 }, this.#step + Math.ceil(after / STEP), spread / STEP);
      node.connections[partition] = 0;
      node.owed[partition] = 0;
    }
    node.streams = 0;
  }

  /** It has its journals as they were, and what has come meanwhile still to write. */
  bringUp(index: number): void {
    this.#nodes[index]!.isUp = true;
  }

  /** @param logIsUp whether anything is produced */
  advance(logIsUp = true): Snapshot {
    if (logIsUp) this.produce(this.#load.messagesPerSecond * STEP);
    for (const node of this.#nodes) if (node.isUp) this.#journal(node);
    for (const node of this.#nodes) {
      node.used = 0;
      node.opened = 0;
    }
    for (const group of this.#room.take(this.#step)) this.#comeBack(group);
    for (const node of this.#nodes) if (node.isUp) this.#deliver(node);
    this.#step += 1;
    return this.#snapshot();
  }

  get #perPartition(): number {
    return this.#load.connections / this.#shape.partitions;
  }

  /** So many messages come to the log at once, evenly over all clients. */
  produce(total: number): void {
    const { clients } = this.#load;
    const messages = total / this.#shape.partitions;
    const each = messages / (clients / this.#shape.partitions);
    for (let partition = 0; partition < this.#shape.partitions; partition++) {
      this.#produced[partition]! += messages;
      this.#grown[partition]! += each;
      for (const holder of this.#holders[partition]!) {
        const node = this.#nodes[holder]!;
        node.owed[partition]! += each * node.connections[partition]!;
      }
    }
  }

  /** All partitions of a node get the same share of what they are behind by. */
  #journal(node: Node): void {
    let behind = 0;
    for (const partition of node.holds) behind += this.#produced[partition]! - node.journaled[partition]!;
    if (behind <= 0) return;
    const share = Math.min(1, (this.#costs.journalRate * STEP) / behind);
    for (const partition of node.holds)
      node.journaled[partition]! += (this.#produced[partition]! - node.journaled[partition]!) * share;
  }

  #comeBack(group: Group): void {
    const { partition } = group;
    const { streamsPerNode } = this.#shape;
    const open = this.#holders[partition]!.map((index) => this.#nodes[index]!).filter(({ isUp }) => isUp);
    const owed = group.base + group.connections * this.#grown[partition]!;
    let left = group.connections;
    for (const [index, node] of open.entries()) {
      const fits = Math.max(0, streamsPerNode - node.streams);
      // Whoever finds no room here is sent on to the next.
      const wanted = left / (open.length - index);
      const accepted = Math.min(wanted, fits, Math.max(0, STEP - node.used) / this.#costs.openSeconds);
      node.connections[partition]! += accepted;
      node.owed[partition]! += (owed * accepted) / group.connections;
      node.streams += accepted;
      node.used += accepted * this.#costs.openSeconds;
      node.opened += accepted;
      left -= accepted;
    }
    if (left <= 0) return;
    const rest = { ...group, connections: left, base: (group.base * left) / group.connections };
    const hasRoom = open.some((node) => node.streams < streamsPerNode);
    // Who was not served in this step waits in the socket's queue; who was refused, or found nobody, backs off.
    if (hasRoom) this.#room.add(rest, this.#step + 1, 1);
    else this.#room.add({ ...rest, attempt: group.attempt + 1 }, this.#step + 1, this.#backoff(group.attempt) / STEP);
  }

  #backoff(attempt: number): number {
    return Math.min(this.#shape.longestBackoff, this.#shape.firstBackoff * 2 ** attempt);
  }

  #deliver(node: Node): void {
    const { deliverySeconds, catchUpSeconds, bytesPerSecond, messageBytes } = this.#costs;
    const live = (this.#load.messagesPerSecond * STEP) / this.#load.clients;
    const perClient = this.#load.clients / this.#shape.partitions;
    let [total, seconds] = [0, 0];
    const sendable = node.holds.map((partition) => {
      const connections = node.connections[partition]!;
      const behind = (this.#produced[partition]! - node.journaled[partition]!) / perClient;
      const messages = Math.max(0, node.owed[partition]! - behind * connections);
      const fresh = Math.min(messages, live * connections);
      total += messages;
      seconds += fresh * deliverySeconds + (messages - fresh) * catchUpSeconds;
      return messages;
    });
    if (total === 0) return;
    const budget = Math.max(0, STEP - node.used);
    const share = Math.min(1, budget / seconds, (bytesPerSecond * STEP) / (total * messageBytes));
    for (const [index, partition] of node.holds.entries()) node.owed[partition]! -= sendable[index]! * share;
    this.#delivered += total * share;
    node.used += seconds * share;
  }

  #owed(): number {
    let owed = 0;
    for (const node of this.#nodes) for (const partition of node.holds) owed += node.owed[partition]!;
    for (const [partition, grown] of this.#grown.entries()) owed += this.#room.owed(partition, grown);
    return owed;
  }

  #snapshot(): Snapshot {
    const up = this.#nodes.filter(({ isUp }) => isUp);
    const unjournaled = this.#produced.reduce((sum, produced, partition) => {
      const copies = this.#holders[partition]!.map((index) => this.#nodes[index]!).filter(({ isUp }) => isUp);
      const best = Math.max(0, ...copies.map(({ journaled }) => journaled[partition]!));
      return sum + produced - best;
    }, 0);
    return {
      seconds: this.seconds,
      waiting: this.#room.connections,
      owed: this.#owed(),
      unjournaled,
      busiest: Math.max(0, ...up.map(({ used }) => used / STEP)),
      busySeconds: up.reduce((sum, { used }) => sum + used, 0),
      opensPerSecond: Math.max(0, ...up.map(({ opened }) => opened / STEP)),
    };
  }
}
