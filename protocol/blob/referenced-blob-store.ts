/**
 * Several blob stores as one: the first is written to, and each is read where a reference names it.
 *
 * So a deployment can move from one store to another at any time: what was stored before stays readable where it lies, and goes
 * when its time comes.
 */
import { type BlobStore, BlobUnavailableError } from './blob-store.ts';

export function referencedBlobStore(written: BlobStore, others: readonly BlobStore[]): BlobStore {
  const all = [written, ...others];
  const storeNamed = (name: string) => {
    const store = all.find((candidate) => candidate.name === name);
    if (store === undefined)
      // Mended by a setting, so the image waits for that instead of being given up.
      throw new BlobUnavailableError(
        `blob store '${name}' is not set up here, only ${all.map((s) => s.name).join(', ')}`,
      );
    return store;
  };
  return {
    name: written.name,
    put: (sha256, content) => written.put(sha256, content),
    get: async (sha256, name = written.name) => storeNamed(name).get(sha256),
    async retireBefore(time) {
      const outcomes = await Promise.allSettled(all.map((store) => store.retireBefore(time)));
      const failed = outcomes.find((outcome) => outcome.status === 'rejected');
      if (failed !== undefined) throw failed.reason;
      return outcomes.reduce((sum, outcome) => sum + (outcome.status === 'fulfilled' ? outcome.value : 0), 0);
    },
    check: () => written.check(),
  };
}
