/** Works on many things a few at a time. */

/**
 * Like `Promise.all(items.map(work))`, with no more than `count` in work at once, begun in order.
 * @returns in the order of `items`; rejects with the first error, after which nothing further is begun
 */
export async function atMost<Item, Result>(
  count: number,
  items: readonly Item[],
  work: (item: Item, index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      try {
        results[index] = await work(items[index]!, index);
      } catch (error) {
        next = items.length;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(count, items.length) }, worker));
  return results;
}
