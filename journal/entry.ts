/** What goes into a journal and what comes out of it. */

/** One message on its way into the journal. */
export interface NewEntry {
  readonly client: string;
  /** Offset of the record in its source partition. Strictly increasing within the partition, not dense. */
  readonly offset: number;
  /** Milliseconds since the epoch. */
  readonly time: number;
  /** Unique over the journal: an entry whose id is already held is dropped. Lower-case UUIDs are stored as 16 bytes. */
  readonly messageId: string;
  /** Full name of the payload's type, such as 'faceextract.v1m0.ExtractedFace'. */
  readonly type: string;
  readonly transaction: string;
  readonly labels: readonly string[];
  /** 0 to 1, or null for messages that have none (no minimum confidence ever matches those). */
  readonly confidence: number | null;
  /**
   * Encodes the message exactly as the default HTTP format sends it. Called once, in order, and only for entries that
   * are not dropped. @param prev offset of the client's entry before this one, -1 for its first
   */
  readonly frame: (prev: number) => Uint8Array;
}

/** One message as the journal holds it. */
export interface JournalEntry {
  readonly offset: number;
  readonly prev: number;
  readonly time: number;
  readonly messageId: string;
  readonly type: string;
  readonly transaction: string;
  readonly labels: readonly string[];
  readonly confidence: number | null;
  /** The framed bytes. Shares memory with its neighbours: copy it to keep it for long. */
  readonly frame: Buffer;
}

/** All given conditions must hold; within a list any one of its values does. An absent condition always holds. */
export interface EntryFilter {
  readonly types?: readonly string[];
  readonly transactions?: readonly string[];
  /** Matches entries that carry at least one of them. */
  readonly labels?: readonly string[];
  /** Matches entries whose confidence is known and not below. */
  readonly minConfidence?: number;
}
