/** Chooses format and coding by what the client accepts (RFC 9110, section 12.5). */
import { Problem } from '../../protocol/http/problem.ts';
import { delimitedProtobuf } from '../format/delimited-protobuf.ts';
import { eventStream } from '../format/event-stream.ts';
import type { Format } from '../format/format.ts';
import { ndjson } from '../format/ndjson.ts';

export const STREAM_MEDIA_TYPES = ['application/x-ndjson', 'text/event-stream', 'application/x-protobuf'] as const;

const FORMATS: readonly { readonly names: readonly string[]; readonly make: (epoch: string) => Format }[] = [
  { names: ['application/x-ndjson', 'application/ndjson', 'application/jsonl'], make: () => ndjson },
  { names: ['text/event-stream'], make: eventStream },
  { names: ['application/x-protobuf', 'application/protobuf'], make: () => delimitedProtobuf },
];

/** In order of preference where the client has none: least work for most gain first. */
export const CODINGS = ['zstd', 'gzip', 'br'] as const;
export type Coding = (typeof CODINGS)[number];

/** @throws {Problem} not-acceptable (406) */
export function chooseFormat(accept: string | undefined, epoch: string): Format {
  if (accept === undefined || accept.trim() === '') return ndjson;
  const wanted = preferences(accept);
  const ranked = FORMATS.map((format) => ({
    format,
    q: Math.max(...format.names.map((name) => mediaQuality(name, wanted))),
  }));
  // A stable sort: NDJSON comes first among equals.
  const [best] = ranked.sort((a, b) => b.q - a.q);
  if (best === undefined || best.q === 0) {
    throw new Problem('not-acceptable', `None of '${accept}' is offered.`, {
      members: { accepted: STREAM_MEDIA_TYPES },
    });
  }
  return best.format.make(epoch);
}

/** undefined: as it is. */
export function chooseCoding(acceptEncoding: string | undefined): Coding | undefined {
  if (acceptEncoding === undefined) return undefined;
  const wanted = preferences(acceptEncoding);
  const quality = (coding: string) => wanted.get(coding) ?? wanted.get('*') ?? 0;
  const identity = wanted.get('identity') ?? 0;
  const [best] = CODINGS.map((coding) => ({ coding, q: quality(coding) })).sort((a, b) => b.q - a.q);
  return best!.q > 0 && best!.q >= identity ? best!.coding : undefined;
}

function mediaQuality(name: string, wanted: ReadonlyMap<string, number>): number {
  const family = `${name.slice(0, name.indexOf('/'))}/*`;
  return wanted.get(name) ?? wanted.get(family) ?? wanted.get('*/*') ?? 0;
}

function preferences(header: string): Map<string, number> {
  const wanted = new Map<string, number>();
  for (const part of header.split(',')) {
    const [name, ...parameters] = part.split(';').map((text) => text.trim().toLowerCase());
    if (name === undefined || name === '') continue;
    const q = parameters.find((text) => text.startsWith('q='));
    const quality = q === undefined ? 1 : Number(q.slice(2));
    wanted.set(name, Number.isNaN(quality) ? 0 : quality);
  }
  return wanted;
}
