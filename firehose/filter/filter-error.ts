/** A filter expression that cannot be used: what is wrong with it, and where. */
export class FilterError extends Error {
  override readonly name = 'FilterError';
  /** Characters of the expression, from 0; `end` is the one after the last. */
  readonly range: { readonly start: number; readonly end: number };

  constructor(message: string, range: { readonly start: number; readonly end: number }) {
    super(message);
    this.range = range;
  }
}
