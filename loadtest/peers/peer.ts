/** What the firehose is measured beside: servers that keep a stream of messages and send it to many readers. */
import { marked } from '../firehose/deliveries.ts';

export interface Peer {
  readonly name: string;
  readonly kind: 'subject' | 'peer';
  /** What an acknowledged message survives. */
  readonly durability: string;
  /** On the server's core. @throws {VariantUnavailable} it is not installed here */
  start(options: PeerOptions): Promise<RunningPeer>;
}

export interface PeerOptions {
  /** Empty, of this server alone. */
  readonly folder: string;
  /** Names of the streams to have. */
  readonly streams: readonly string[];
  /** Each in files of its own, where the server leaves the choice. */
  readonly apart: boolean;
}

export interface RunningPeer {
  /** Processor time that the server has used so far, user and system. */
  cpuSeconds(): Promise<number>;
  /** Puts so many messages of so many bytes into every stream. Not measured. */
  fill(messages: number, bytes: number): Promise<void>;
  /**
   * Puts one message into a stream. Resolves when it is acknowledged; may be called again before, and keeps the order within the stream.
   * @param at when it is due, ms as `timeOrigin + now` gives them
   */
  publish(stream: string, bytes: number, at: number): Promise<void>;
  /** Reads so many messages from the beginning. @throws one is missing, out of order or there twice */
  readAll(stream: string, messages: number): Promise<void>;
  /** Hears every message that is published from now on. Resolves once it would. */
  follow(stream: string, reader: Follower): Promise<() => void>;
  /** Collects the garbage that opening connections has left behind, where the server can be told to: it is no cost of what they deliver. */
  settle?(): Promise<void>;
  stop(): Promise<void>;
}

export interface Follower {
  /** @param at when it was due, ms as `timeOrigin + now` gives them */
  readonly onMessage: (at: number) => void;
  /** A message is missing, out of order or there twice; or the connection broke. */
  readonly onFault: (error: Error) => void;
}

/** A message of exactly so many bytes that says its place in the stream, from 1, and when it was due. */
export function peerMessage(place: number, bytes: number, at = 0): string {
  const front = `{${marked(place, at)}"fill":"`;
  return `${front}${'x'.repeat(Math.max(0, bytes - front.length - 2))}"}`;
}
