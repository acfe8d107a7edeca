/** Measures what is done with the blob stores, each under its name. */
import { Counter, Histogram, type Registry } from 'prom-client';
import type { BlobStore } from './blob-store.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

/** @returns gives a store that is measured */
export function blobMeasurement(registry: Registry): (store: BlobStore) => BlobStore {
  const registers = [registry];
  const seconds = new Histogram({
    name: 'sluice_blob_operation_seconds',
    help: 'From asking the blob store to its answer; outcome is ok or the name of the error',
    labelNames: ['store', 'operation', 'outcome'],
    buckets: SECONDS,
    registers,
  });
  const bytes = new Counter({
    name: 'sluice_blob_bytes_total',
    help: 'Bytes of blobs written (again, too) and read',
    labelNames: ['store', 'operation'],
    registers,
  });
  const retired = new Counter({
    name: 'sluice_blob_retired_total',
    help: 'Blobs removed because the log has let go of their events',
    labelNames: ['store'],
    registers,
  });
  return (store) => {
    const { name } = store;
    const measure = async <T>(operation: string, run: () => Promise<T>): Promise<T> => {
      const done = seconds.startTimer({ store: name, operation });
      try {
        const result = await run();
        done({ outcome: 'ok' });
        return result;
      } catch (error) {
        done({ outcome: (error as Error).name });
        throw error;
      }
    };
    return {
      name,
      async put(sha256, content) {
        await measure('put', () => store.put(sha256, content));
        bytes.inc({ store: name, operation: 'put' }, content.byteLength);
      },
      async get(sha256) {
        const content = await measure('get', () => store.get(sha256));
        bytes.inc({ store: name, operation: 'get' }, content.byteLength);
        return content;
      },
      async retireBefore(time) {
        const removed = await measure('retire', () => store.retireBefore(time));
        retired.inc({ store: name }, removed);
        return removed;
      },
      check: () => measure('check', () => store.check()),
    };
  };
}
