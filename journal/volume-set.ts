/** The volumes of a folder as a reader sees them: follows rolls and retirements that a writer elsewhere makes. */
import { JournalMissingError, JournalUnavailableError } from './errors.ts';
import { listVolumes, volumePath } from './volume-files.ts';
import { VolumeReader } from './volume-reader.ts';
import { VolumeScan } from './volume-scan.ts';

/** Valid until the next volume is asked for: only a few are kept open. */
export interface OpenVolume {
  readonly base: number;
  readonly reader: VolumeReader;
  readonly scan: VolumeScan;
}

/** Sealed volumes kept open at a time; the least recently used goes first. Each costs two file handles and its cache. */
const MAX_OPEN = 8;

export class VolumeSet {
  readonly #folder: string;
  #bases: number[];
  #newest: OpenVolume;
  readonly #sealed = new Map<number, OpenVolume>();
  #position = 0;
  #epoch = '';

  /** @throws {JournalMissingError | JournalUnavailableError | JournalDamagedError | JournalFormatError} */
  constructor(folder: string) {
    this.#folder = folder;
    this.#bases = listVolumes(folder);
    const newest = this.#bases.at(-1);
    if (newest === undefined) throw new JournalMissingError(folder);
    this.#newest = open(folder, newest);
    this.refresh();
  }

  get epoch(): string {
    return this.#epoch;
  }

  /** Offset of the next record that the writer will consume, as of the latest refresh. */
  get position(): number {
    return this.#position;
  }

  /** Base of the oldest volume retained. */
  get floor(): number {
    return this.#bases[0]!;
  }

  /** Takes in what the writer has done since: one short statement, more only after a roll or a retirement. */
  refresh(): OpenVolume {
    let state = this.#newest.reader.state();
    while (state.next !== null) {
      const next = open(this.#folder, state.next);
      this.#keep(this.#newest);
      this.#newest = next;
      this.#bases.push(next.base);
      state = next.reader.state();
    }
    this.#position = state.position;
    this.#epoch = state.epoch;
    while (this.#bases[0]! < state.floor) {
      const retired = this.#bases.shift()!;
      this.#sealed.get(retired)?.reader.close();
      this.#sealed.delete(retired);
    }
    return this.#newest;
  }

  /** Base offsets of the volumes held, ascending. */
  get bases(): readonly number[] {
    return this.#bases;
  }

  /** The volume in which an offset lies, or would lie, and those after it. */
  *from(offset: number): Generator<OpenVolume> {
    const bases = [...this.#bases];
    const first = bases.findLastIndex((base) => base <= offset);
    for (let i = Math.max(first, 0); i < bases.length; i++) yield this.open(bases[i]!);
  }

  /** The volumes from that of `offset` back to the oldest. */
  *backFrom(offset: number): Generator<OpenVolume> {
    for (const base of this.#bases.filter((base) => base <= offset).reverse()) yield this.open(base);
  }

  /** Greatest offset that a volume can hold. */
  lastOffset(base: number): number {
    const next = this.#bases[this.#bases.indexOf(base) + 1];
    return next === undefined ? Number.POSITIVE_INFINITY : next - 1;
  }

  open(base: number): OpenVolume {
    if (base === this.#newest.base) return this.#newest;
    const volume = this.#sealed.get(base) ?? open(this.#folder, base);
    this.#keep(volume);
    return volume;
  }

  close(): void {
    this.#newest.reader.close();
    for (const volume of this.#sealed.values()) volume.reader.close();
    this.#sealed.clear();
  }

  #keep(volume: OpenVolume): void {
    this.#sealed.delete(volume.base);
    this.#sealed.set(volume.base, volume);
    for (const [base, oldest] of this.#sealed) {
      if (this.#sealed.size <= MAX_OPEN) break;
      oldest.reader.close();
      this.#sealed.delete(base);
    }
  }
}

function open(folder: string, base: number): OpenVolume {
  const reader = new VolumeReader(volumePath(folder, base));
  if (reader.base !== base) {
    reader.close();
    throw new JournalUnavailableError(`${volumePath(folder, base)} begins at ${reader.base}: files have been renamed`);
  }
  return { base, reader, scan: new VolumeScan(reader) };
}
