/** Normally distributed numbers, mean 0 and deviation 1, from evenly distributed ones (Box and Muller). */
export function normal(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}
