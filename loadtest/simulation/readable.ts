/** A number as people read it: thousands apart, a decimal only where it says something. */
export function readable(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 10 ? 1 : 0 });
}
