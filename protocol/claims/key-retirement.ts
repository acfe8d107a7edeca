/**
 * The end of a key, in two steps. Retired, it opens tokens for what was taken in with them and for nothing new; forgotten, it is gone.
 *
 * Results carry the token of their submission, and a journal that is built again from the log checks it. So whoever forgets a key
 * while the log holds results that were made under it takes them from every journal that will ever be rebuilt.
 */
import { changeKeys, type KeyListing, KeyStoreError, listTokenKeys } from './keys.ts';

/**
 * From `at` on requests with tokens made with the key are refused. Images that were taken in before are still worked on, and
 * journals can still be rebuilt. A signing key loses its private half: nobody can sign with what is kept.
 *
 * A key of which nothing on the log was made, of authentication tokens or not in use yet, is removed outright.
 *
 * @param at ms since the epoch; every process should have read of it by then
 * @throws {KeyStoreError} there is no such key, or it is the one in use, or it is retired already
 */
export async function retireTokenKey(folder: string, kid: string, now: number, at: number): Promise<void> {
  const { use, state } = await findKey(folder, kid, now);
  if (state === 'in use')
    throw new KeyStoreError(`key '${kid}' is in use: rotate first, and wait until the next one is in use`);
  if (state === 'retired') throw new KeyStoreError(`key '${kid}' is retired already; 'sluice keys forget' removes it`);
  await changeKeys(folder, use, (keys) => {
    if (use === 'authentication' || state === 'coming') return keys.filter((key) => key.kid !== kid);
    return keys.map((key) => {
      if (key.kid !== kid) return key;
      const { d: _private, ...publicHalf } = key;
      // What was encrypted is opened with the private half.
      return { ...(use === 'signing' ? publicHalf : key), retired_at: Math.floor(at / 1000) };
    });
  });
}

/** The log may still hold what only this key opens. */
export class KeyNeededError extends KeyStoreError {
  /** @param last ms since the epoch @param keepMs infinite: the log never forgets */
  constructor(kid: string, last: number, keepMs: number) {
    const until = Number.isFinite(keepMs) ? `until ${new Date(last + keepMs).toISOString()}` : 'for ever';
    const kept = Number.isFinite(keepMs) ? `${Math.ceil(keepMs / 3_600_000)} hours` : 'ever';
    super(
      `key '${kid}' may be needed ${until}: requests with its tokens are accepted until ${new Date(last).toISOString()} at the ` +
        `latest, and the log keeps their images and then their results for ${kept}`,
    );
  }
}

/**
 * Removes a retired key.
 *
 * @param keepMs how long an image and then its results stay on the log. 0: whatever is lost with the key
 * @throws {KeyStoreError} there is no such key, or it is not retired
 * @throws {KeyNeededError}
 */
export async function forgetTokenKey(folder: string, kid: string, now: number, keepMs: number): Promise<void> {
  const { use, state, retiredAt } = await findKey(folder, kid, now);
  if (state !== 'retired') throw new KeyStoreError(`key '${kid}' is ${state}: retire it first`);
  if (keepMs > 0 && now < retiredAt + keepMs) throw new KeyNeededError(kid, retiredAt, keepMs);
  await changeKeys(folder, use, (keys) => keys.filter((key) => key.kid !== kid));
}

async function findKey(folder: string, kid: string, now: number): Promise<KeyListing> {
  const listing = (await listTokenKeys(folder, now)).find((key) => key.kid === kid);
  if (listing === undefined) throw new KeyStoreError(`there is no key '${kid}'`);
  return listing;
}
