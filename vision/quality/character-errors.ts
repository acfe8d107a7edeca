/** Character error rate: how many edits turn what was read into what was written, per character written. */

/** Levenshtein distance over code points. */
export function editDistance(read: string, written: string): number {
  const [a, b] = [[...read], [...written]];
  let row = b.map((_, index) => index + 1);
  row.unshift(0);
  for (let i = 0; i < a.length; i++) {
    const next = [i + 1];
    for (let j = 0; j < b.length; j++) {
      next.push(Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (a[i] === b[j] ? 0 : 1)));
    }
    row = next;
  }
  return row[b.length]!;
}

/** 0 is perfect; above 1 is possible where more was read than was written. */
export function characterErrorRate(read: string, written: string): number {
  return editDistance(read, written) / Math.max(1, [...written].length);
}
