/** The compressions of Kafka, by the number that it gives them in a batch's attributes. What Node brings along is also written. */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';
import { decompressLz4, decompressSnappy } from './read-only-codecs.ts';

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

interface Codec {
  readonly name: string;
  /** Absent: only others write it. */
  readonly compress?: (data: Uint8Array) => Buffer | Promise<Buffer>;
  readonly decompress: (data: Buffer) => Buffer | Promise<Buffer>;
}

/** Most bytes that a batch may grow to: several times the largest batch that a broker is set to take. */
const MAX_UNCOMPRESSED_BYTES = 256 << 20;
const LIMITED = { maxOutputLength: MAX_UNCOMPRESSED_BYTES };

/** Below this the way to the thread pool and back costs more than the work. */
const SMALL = 32 << 10;
// Level 1: results shrink tenfold as it is, and images not at all at any level.
const ZSTD = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };
const GZIP = { level: 1 };

/** From here on a sample is tried first: to find that an image does not shrink costs more than all else that is done to it. */
const SAMPLED_FROM = 64 << 10;
const SAMPLE_PIECES = 4;
const SAMPLE_PIECE_BYTES = 4 << 10;
/** What a sample shrinks to at most, where the whole is worth compressing. */
const WORTHWHILE = 15 / 16;

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
const gunzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gunzip);
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
const zstdDecompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdDecompress);

const CODECS = new Map<number, Codec>([
  [
    1,
    {
      name: 'gzip',
      compress: (data) => (data.length < SMALL ? zlib.gzipSync(data, GZIP) : gzip(data, GZIP)),
      decompress: (data) => (data.length < SMALL ? zlib.gunzipSync(data, LIMITED) : gunzip(data, LIMITED)),
    },
  ],
  [2, { name: 'snappy', decompress: (data) => decompressSnappy(data, MAX_UNCOMPRESSED_BYTES) }],
  [3, { name: 'lz4', decompress: (data) => decompressLz4(data, MAX_UNCOMPRESSED_BYTES) }],
  [
    4,
    {
      name: 'zstd',
      compress: (data) => (data.length < SMALL ? zlib.zstdCompressSync(data, ZSTD) : zstdCompress(data, ZSTD)),
      decompress: (data) =>
        data.length < SMALL ? zlib.zstdDecompressSync(data, LIMITED) : zstdDecompress(data, LIMITED),
    },
  ],
]);

/** @returns the code and the bytes: the given ones, uncompressed, where a sample of them or all would not become smaller */
export async function compress(data: Buffer, compression: Compression): Promise<{ code: number; data: Buffer }> {
  for (const [code, { name, compress: shrink }] of CODECS)
    if (name === compression && shrink !== undefined) {
      if (data.length >= SAMPLED_FROM) {
        const sample = sampleOf(data);
        if ((await shrink(sample)).length > sample.length * WORTHWHILE) break;
      }
      const smaller = await shrink(data);
      if (smaller.length < data.length) return { code, data: smaller };
    }
  return { code: 0, data };
}

/** Pieces from the middle of equal parts: at its beginning an image has tables and texts that do shrink. */
function sampleOf(data: Buffer): Buffer {
  const stride = data.length / SAMPLE_PIECES;
  const pieces = Array.from({ length: SAMPLE_PIECES }, (_, index) => {
    const from = Math.floor((index + 0.5) * stride);
    return data.subarray(from, from + SAMPLE_PIECE_BYTES);
  });
  return Buffer.concat(pieces);
}

export function decompress(data: Buffer, code: number): Buffer | Promise<Buffer> {
  if (code === 0) return data;
  const codec = CODECS.get(code);
  if (codec === undefined) throw new Error(`a batch is compressed with codec ${code}, which Kafka does not know`);
  return codec.decompress(data);
}
