/** The compressions that Node brings along, by the number that Kafka gives them in a batch's attributes. */
import { promisify } from 'node:util';
import * as zlib from 'node:zlib';

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

interface Codec {
  readonly name: Compression;
  compress(data: Uint8Array): Buffer | Promise<Buffer>;
  decompress(data: Uint8Array): Buffer | Promise<Buffer>;
}

/** Below this the way to the thread pool and back costs more than the work. */
const SMALL = 32 << 10;
// Level 1: results shrink tenfold as it is, and images not at all at any level.
const ZSTD = { params: { [zlib.constants.ZSTD_c_compressionLevel]: 1 } };
const GZIP = { level: 1 };

const gzip = promisify<Uint8Array, zlib.ZlibOptions, Buffer>(zlib.gzip);
const gunzip = promisify<Uint8Array, Buffer>(zlib.gunzip);
const zstdCompress = promisify<Uint8Array, zlib.ZstdOptions, Buffer>(zlib.zstdCompress);
const zstdDecompress = promisify<Uint8Array, Buffer>(zlib.zstdDecompress);

const CODECS = new Map<number, Codec>([
  [
    1,
    {
      name: 'gzip',
      compress: (data) => (data.length < SMALL ? zlib.gzipSync(data, GZIP) : gzip(data, GZIP)),
      decompress: (data) => (data.length < SMALL ? zlib.gunzipSync(data) : gunzip(data)),
    },
  ],
  [
    4,
    {
      name: 'zstd',
      compress: (data) => (data.length < SMALL ? zlib.zstdCompressSync(data, ZSTD) : zstdCompress(data, ZSTD)),
      decompress: (data) => (data.length < SMALL ? zlib.zstdDecompressSync(data) : zstdDecompress(data)),
    },
  ],
]);

/** @returns the code and the bytes: the given ones, uncompressed, where compression would not make them smaller */
export async function compress(data: Buffer, compression: Compression): Promise<{ code: number; data: Buffer }> {
  for (const [code, codec] of CODECS)
    if (codec.name === compression) {
      const smaller = await codec.compress(data);
      if (smaller.length < data.length) return { code, data: smaller };
    }
  return { code: 0, data };
}

export function decompress(data: Buffer, code: number): Buffer | Promise<Buffer> {
  if (code === 0) return data;
  const codec = CODECS.get(code);
  if (codec === undefined)
    throw new Error(`a batch is compressed with codec ${code} (2 is snappy, 3 lz4); only gzip and zstd are understood`);
  return codec.decompress(data);
}
