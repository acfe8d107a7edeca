/** How a journal is written, with what holds where nothing is said. */

export interface JournalWriterOptions {
  /** The incarnation of the log whose offsets these are. */
  readonly epoch: string;
  /** ms: creation time of the first volume. */
  readonly now: number;
  /**
   * Of a journal that is created: the first offset that the log still has. Clients may have had entries below it, so a
   * position there is answered as retired, and each client's first entry names the offset before `start` as its `prev`. Default 0.
   */
  readonly start?: number;
  /** A volume older than this is followed by a new one. Default 24 h. */
  readonly volumeSpanMs?: number;
  /** A volume larger than this is followed by a new one. Default 4 GiB. */
  readonly volumeBytes?: number;
  /** Volumes whose latest batch arrived longer ago than this are removed by `maintain`. Default: never. */
  readonly retentionMs?: number;
  /** While all volumes together are larger than this, `maintain` removes the oldest. Default: never. */
  readonly retentionBytes?: number;
  /** The WAL is moved into the database beyond this size. Default 16 MiB. */
  readonly walBytes?: number;
  /** Most bytes of frames in a segment. Default 256 KiB. */
  readonly segmentBytes?: number;
  /** Run SQLite's quick_check over the newest volume first (reads all of it). Default false. */
  readonly check?: boolean;
}

export const DEFAULTS = {
  start: 0,
  volumeSpanMs: 24 * 3_600_000,
  volumeBytes: 4 * 2 ** 30,
  retentionMs: Number.POSITIVE_INFINITY,
  retentionBytes: Number.POSITIVE_INFINITY,
  walBytes: 16 * 2 ** 20,
  segmentBytes: 256 * 1024,
  check: false,
};
