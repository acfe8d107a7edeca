/** How alike two texts are. */

/** Longer texts are compared by their first characters: lines are short, and the cost is quadratic. */
const MAX_LENGTH = 256;

/** Compatibility forms, case and spacing made one: what a person would call the same text. */
export function normalised(text: string): string {
  return text.normalize('NFKC').toLowerCase().replace(/\s+/gu, ' ').trim();
}

/** 1 minus the edit distance over the longer length: 1 where equal, 0 where nothing fits. */
export function similarity(a: string, b: string): number {
  if (a === b) return 1;
  const left = [...a].slice(0, MAX_LENGTH);
  const right = [...b].slice(0, MAX_LENGTH);
  const longer = Math.max(left.length, right.length);
  return longer === 0 ? 1 : 1 - editDistance(left, right) / longer;
}

/** Levenshtein's distance, by two rows of the Wagner–Fischer table. */
function editDistance(a: readonly string[], b: readonly string[]): number {
  let row = Uint16Array.from({ length: b.length + 1 }, (_, n) => n);
  let next = new Uint16Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next[j] = Math.min(substitute, row[j]! + 1, next[j - 1]! + 1);
    }
    [row, next] = [next, row];
  }
  return row[b.length]!;
}
