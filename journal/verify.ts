/**
 * Reads a whole journal and checks everything that must hold in it: SQLite's own structures, CRCs, `prev` chains, rolling
 * hashes, counts, heads and positions. Safe beside a running writer (it holds a snapshot of one volume at a time, so the
 * WAL grows meanwhile); slow on purpose.
 */
import { crc32 } from 'node:zlib';
import { CHAIN_START, nextChain } from './chain-hash.ts';
import { JournalMissingError, journalError } from './errors.ts';
import { sqliteFindings } from './quick-check.ts';
import { readVolume, type VerifiedEntry, type VerifiedSegment } from './verify-rows.ts';
import { listVolumes, volumePath } from './volume-files.ts';
import { VolumeReader } from './volume-reader.ts';
import { ANY_CLIENT } from './volume-schema.ts';

export interface Finding {
  readonly kind: 'sqlite' | 'crc' | 'prev' | 'hash' | 'segment' | 'head' | 'position' | 'epoch' | 'volume';
  /** Base offset of the volume. */
  readonly volume: number;
  readonly detail: string;
}

export interface Verification {
  readonly epoch: string;
  readonly position: number;
  readonly volumes: number;
  readonly clients: number;
  readonly entries: number;
  /** Of frames. */
  readonly bytes: number;
  /** Empty where all is well; ends after `maxFindings`. */
  readonly findings: readonly Finding[];
}

export interface VerifyOptions {
  /** integrity_check also compares every index with its table. Default 'integrity_check'. */
  readonly sqlite?: 'quick_check' | 'integrity_check';
  /** Default 100. */
  readonly maxFindings?: number;
}

/** What is known of a client so far. */
interface ClientState {
  head: number;
  count: number;
  time: number;
  bytes: number;
  chain: Buffer;
}

/** @throws {JournalMissingError | JournalUnavailableError} damage is a finding, not an error */
export function verifyJournal(folder: string, options: VerifyOptions = {}): Verification {
  const bases = listVolumes(folder);
  if (bases.length === 0) throw new JournalMissingError(folder);
  const walk = new Walk(bases[0]!, options);
  for (const [i, base] of bases.entries()) walk.volume(folder, base, bases[i + 1]);
  return walk.result(bases.length);
}

class Walk {
  readonly #sqlite: 'quick_check' | 'integrity_check';
  readonly #maxFindings: number;
  readonly #findings: Finding[] = [];
  readonly #clients = new Map<number, ClientState>();
  /** What a client's first entry names as the one before it. */
  #start = -1;
  #base = 0;
  /** Entries below this are gone. */
  readonly #oldest: number;
  #epoch: string | undefined;
  #position = 0;
  #entries = 0;
  #bytes = 0;

  constructor(oldest: number, { sqlite = 'integrity_check', maxFindings = 100 }: VerifyOptions) {
    this.#oldest = oldest;
    this.#sqlite = sqlite;
    this.#maxFindings = maxFindings;
  }

  volume(folder: string, base: number, next: number | undefined): void {
    this.#base = base;
    let reader: VolumeReader | undefined;
    try {
      reader = new VolumeReader(volumePath(folder, base));
      for (const detail of sqliteFindings(reader.database, this.#sqlite)) this.#find('sqlite', detail);
      reader.database.exec('begin');
      this.#state(reader, next);
      this.#start = reader.client(ANY_CLIENT)?.head ?? -1;
      for (const client of this.#clients.values()) client.bytes = 0;
      const { segments, heads, entries } = readVolume(reader.database);
      const before = this.#entries;
      for (const segment of segments) this.#segment(segment);
      if (this.#entries - before !== entries) {
        this.#find('segment', `${entries} entries, of which segments name ${this.#entries - before}`);
      }
      for (const head of heads) {
        const known = this.#clients.get(head.no);
        // Of a client whose entries are all in volumes that are gone nothing is left to compare.
        if (known === undefined) continue;
        const { head: offset, count, time, bytes, chain } = known;
        const same = head.head === offset && head.count === count && head.time === time && head.bytes === bytes;
        if (!same || !chain.equals(head.chain)) {
          this.#find('head', `client '${head.name}' says ${describe(head)}, its entries ${describe(known)}`);
        }
      }
    } catch (error) {
      const typed = journalError(error, volumePath(folder, base));
      if (!(typed instanceof Error) || typed.name !== 'JournalDamagedError') throw typed;
      this.#find('sqlite', typed.message);
    } finally {
      reader?.close();
    }
  }

  result(volumes: number): Verification {
    return {
      epoch: this.#epoch ?? '',
      position: this.#position,
      volumes,
      clients: this.#clients.size,
      entries: this.#entries,
      bytes: this.#bytes,
      findings: this.#findings,
    };
  }

  #state(reader: VolumeReader, next: number | undefined): void {
    const state = reader.state();
    this.#epoch ??= state.epoch;
    if (state.epoch !== this.#epoch)
      this.#find('epoch', `belongs to '${state.epoch}', earlier ones to '${this.#epoch}'`);
    if (reader.base !== this.#base) this.#find('volume', `calls itself ${reader.base}`);
    // A volume not yet sealed though another follows is what a crash in a roll leaves; the writer seals it when it opens.
    if (next !== undefined && state.next !== null && state.next !== next) {
      this.#find('volume', `names ${state.next} as the next volume, but that is ${next}`);
    }
    if (state.position < this.#position) this.#find('position', `position ${state.position} after ${this.#position}`);
    this.#position = state.position;
  }

  #segment(segment: VerifiedSegment): void {
    const { data, entries } = segment;
    const last = segment.last + this.#base;
    const at = `segment ${segment.client}/${last}`;
    if (crc32(data) !== segment.crc) this.#find('crc', `${at}: CRC-32 differs`);
    if (last >= this.#position) this.#find('position', `${at} is not below the position ${this.#position}`);
    const first = entries[0];
    if (first === undefined || entries.length !== segment.count || first.offset !== segment.first) {
      this.#find(
        'segment',
        `${at}: ${entries.length} entries from ${first?.offset}, not ${segment.count} from ${segment.first}`,
      );
    }
    let position = 0;
    for (const entry of entries) {
      if (entry.segment !== segment.last || entry.position !== position)
        this.#find('segment', `${at}: entries do not meet`);
      position += entry.length;
      this.#entry(segment.client, entry, data.subarray(entry.position, entry.position + entry.length));
    }
    if (position !== data.length) this.#find('segment', `${at}: ${data.length} bytes, entries have ${position}`);
    const client = this.#clients.get(segment.client);
    if (client === undefined) return;
    client.bytes += data.length;
    this.#bytes += data.length;
    if (client.bytes !== segment.finish || client.count !== segment.ordinal || client.head !== last) {
      this.#find('segment', `${at}: its sums differ from those of the entries`);
    }
    if (segment.highTime !== client.time)
      this.#find('segment', `${at}: greatest time ${segment.highTime}, not ${client.time}`);
  }

  #entry(no: number, entry: VerifiedEntry, frame: Buffer): void {
    const offset = entry.offset + this.#base;
    const at = `entry ${no}/${offset}`;
    this.#entries++;
    const known = this.#clients.get(no);
    if (known === undefined && entry.ordinal > 1) {
      // What it follows must be gone: then, and only then, its word is taken for it.
      if (entry.prev >= this.#oldest) this.#find('prev', `${at}: no entry before it, though it names ${entry.prev}`);
      this.#clients.set(no, { head: offset, count: entry.ordinal, time: entry.highTime, bytes: 0, chain: entry.chain });
      return;
    }
    const before = known ?? { head: this.#start, count: 0, time: 0, bytes: 0, chain: CHAIN_START };
    if (entry.prev !== before.head) this.#find('prev', `${at}: prev ${entry.prev}, not ${before.head}`);
    if (entry.ordinal !== before.count + 1) this.#find('prev', `${at}: ordinal ${entry.ordinal} after ${before.count}`);
    if (!nextChain(before.chain, frame).equals(entry.chain)) this.#find('hash', `${at}: rolling hash differs`);
    const time = Math.max(before.time, entry.time);
    this.#clients.set(no, { ...before, head: offset, count: entry.ordinal, time, chain: entry.chain });
  }

  #find(kind: Finding['kind'], detail: string): void {
    if (this.#findings.length < this.#maxFindings) this.#findings.push({ kind, volume: this.#base, detail });
  }
}

function describe({ head, count, bytes }: { head: number; count: number; bytes: number }): string {
  return `offset ${head}, ${count} entries, ${bytes} bytes`;
}
