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

/** @returns the code and the bytes: the given ones, uncompressed, where compression would not make them smaller */
export async function compress(data: Buffer, compression: Compression): Promise<{ code: number; data: Buffer }> {
  for (const [code, codec] of CODECS)
    if (codec.name === compression && codec.compress !== undefined) {
      const smaller = await codec.compress(data);
      if (smaller.length < data.length) return { code, data: smaller };
    }
  return { code: 0, data };
}

export function decompress(data: Buffer, code: number): Buffer | Promise<Buffer> {
  if (code === 0) return data;
  const codec = CODECS.get(code);
  if (codec === undefined) throw new Error(`a batch is compressed with codec ${code}, which Kafka does not know`);
  return codec.decompress(data);
}
