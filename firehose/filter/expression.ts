/**
 * Filter expressions in CEL (the Common Expression Language) over one message: compiled once, bounded in cost.
 *
 * An expression sees `message` (offset, prev, time, type, transaction, id, payload) and, for short, `payload`. It gives a
 * bool. On a message that it fails on, such as one without a field that it asks for, it does not match.
 */
import { type ASTNode, Environment, type ParseError } from '@marcbachmann/cel-js';
import { FilterError } from './filter-error.ts';
import { calledName, childrenOf, isMacro, rangeOf } from './syntax-tree.ts';
import { refuseBareFields, unknownName } from './visible-names.ts';

/** What bounds the work of one evaluation: nodes times the elements of one list, never lists of lists. */
const LIMITS = { maxAstNodes: 256, maxDepth: 24, maxListElements: 256, maxMapEntries: 64, maxCallArguments: 8 };

/**
 * Functions that are not offered, with the reason: regular expressions can take time without bound, the others can
 * build values far larger than the message.
 */
const REFUSED: Readonly<Record<string, string>> = {
  matches: 'regular expressions are not offered: use contains, startsWith or endsWith',
  join: 'join is not offered: use exists over the list',
  split: 'split is not offered: use contains',
  bind: 'cel.bind is not offered',
  json: 'json is not offered: the payload is decoded already',
};

/** One evaluation may not take longer, ms. Beyond it the stream is ended rather than every other one held up. */
const MAX_EVALUATION_MS = 50;

const environment = new Environment({ limits: LIMITS, homogeneousAggregateLiterals: false })
  .registerVariable('message', 'dyn')
  .registerVariable('payload', 'dyn');

/** An expression has taken too long over one message. */
export class ExpensiveExpressionError extends Error {
  override readonly name = 'ExpensiveExpressionError';
}

export interface Expression {
  readonly source: string;
  /** @param frame the message as its NDJSON frame @throws {ExpensiveExpressionError} */
  readonly matches: (frame: Buffer) => boolean;
}

/** @throws {FilterError} with the position of what is wrong */
export function compileExpression(source: string): Expression {
  const compiled = parse(source);
  checkCost(compiled.ast, 0);
  refuseBareFields(compiled.ast);
  const { valid, type, error } = compiled.check();
  if (!valid) throw asFilterError(error as ParseError, source);
  if (type !== 'bool' && type !== 'dyn') {
    throw new FilterError(`must give a bool, not a ${type}`, { start: 0, end: source.length });
  }
  const matches = (frame: Buffer) => {
    const message = JSON.parse(frame.toString()) as { payload: unknown; time: string };
    const started = performance.now();
    const result = evaluate(compiled, {
      message: { ...message, time: new Date(message.time) },
      payload: message.payload,
    });
    const took = performance.now() - started;
    if (took > MAX_EVALUATION_MS) {
      throw new ExpensiveExpressionError(`the filter expression took ${Math.round(took)} ms over one message`);
    }
    return result;
  };
  return { source, matches };
}

function evaluate(compiled: (context: object) => unknown, context: object): boolean {
  try {
    return compiled(context) === true;
  } catch {
    // By CEL's rules an error is no value; for a filter that is: no match.
    return false;
  }
}

function parse(source: string) {
  try {
    return environment.parse(source);
  } catch (error) {
    throw asFilterError(error as ParseError, source);
  }
}

function asFilterError(error: ParseError, source: string): FilterError {
  const { start, end } = error.range ?? { start: 0, end: 0 };
  if (error.code === 'unknown_variable') return unknownName(source.slice(start, end), { start, end });
  return new FilterError(error.summary, { start, end });
}

/** Refuses functions without a bound and macros within macros. */
function checkCost(node: ASTNode, macros: number): void {
  const name = calledName(node);
  if (name !== undefined && Object.hasOwn(REFUSED, name)) throw new FilterError(REFUSED[name]!, rangeOf(node));
  const inside = isMacro(node) ? macros + 1 : macros;
  if (inside > 1) throw new FilterError(`a list may not be gone through for each element of a list`, rangeOf(node));
  for (const child of childrenOf(node)) checkCost(child, inside);
}
