import { expect, test, vi } from 'vitest';
import { followManifest } from './follow-manifest.ts';
import type { ManifestSource } from './manifest.ts';

const manifest = (text: string): ManifestSource => ({ folder: new URL('file:///models/'), text });

/** A folder whose manifest the test changes, and a service that takes all but bad ones. */
function following(everyMs: number) {
  const state = { found: 'first', looks: 0, errors: [] as string[], used: [] as string[], bad: new Set<string>() };
  const follower = followManifest({
    everyMs,
    current: manifest('first'),
    find: async () => {
      state.looks += 1;
      if (state.found === 'half a file') throw new Error('half a file');
      return manifest(state.found);
    },
    use: async ({ text }) => {
      if (state.bad.has(text)) throw new Error(`${text} is bad`);
      state.used.push(text);
    },
    onError: (error) => state.errors.push((error as Error).message),
  });
  const looked = async (times: number) => {
    const from = state.looks;
    await vi.waitFor(() => expect(state.looks).toBeGreaterThanOrEqual(from + times), 60_000);
  };
  return { state, follower, looked };
}

test('a change is taken once; the manifest that is in use already is not', async () => {
  const { state, follower, looked } = following(1);
  await looked(2);
  state.found = 'second';
  await looked(4);
  state.found = 'first';
  await looked(4);
  expect(state.used).toEqual(['second', 'first']);
  await follower.close();
  const { looks } = state;
  await new Promise((resolve) => setTimeout(resolve, 20));
  expect(state.looks).toBe(looks);
});

test('one that cannot be used is said once, and tried again when it changes or when somebody asks', async () => {
  const { state, follower, looked } = following(1);
  state.bad.add('second');
  state.found = 'second';
  await looked(6);
  expect(state.errors).toEqual(['second is bad']);
  state.found = 'first';
  await looked(4);
  state.found = 'second';
  await looked(4);
  expect(state.errors).toEqual(['second is bad', 'second is bad']);
  state.bad.clear();
  await looked(4);
  expect(state.used).toEqual([]);
  follower.lookNow();
  await vi.waitFor(() => expect(state.used).toEqual(['second']), 60_000);
  await follower.close();
});

test('a file that is being written is said once and read when it is whole', async () => {
  const { state, follower, looked } = following(1);
  state.found = 'half a file';
  await looked(5);
  expect(state.errors).toEqual(['half a file']);
  state.found = 'second';
  await vi.waitFor(() => expect(state.used).toEqual(['second']), 60_000);
  await follower.close();
});

test('who asks waits for no interval', async () => {
  const { state, follower } = following(600_000);
  state.found = 'second';
  follower.lookNow();
  await vi.waitFor(() => expect(state.used).toEqual(['second']), 60_000);
  await follower.close();
});
