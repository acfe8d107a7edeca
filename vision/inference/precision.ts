/**
 * Rounds every number of a result to three decimals: a thousandth of a pixel or of a confidence is below what any model
 * means, and the digits after it would be a third of every frame that clients read.
 */

const DECIMALS = 1e3;

export function rounded<T>(value: T): T {
  if (typeof value === 'number') return (Math.round(value * DECIMALS) / DECIMALS || 0) as T; // no negative zero
  if (Array.isArray(value)) return value.map(rounded) as T;
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, rounded(member)])) as T;
}
