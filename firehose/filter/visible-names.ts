/**
 * What a filter expression can name, and what to write instead of a name that is not there. A field is asked for by the
 * name of what has it; `type` alone is a thing of CEL's own, which equals no text.
 */
import type { ASTNode } from '@marcbachmann/cel-js';
import { FilterError } from './filter-error.ts';
import { childrenOf, elementName, rangeOf } from './syntax-tree.ts';

/** Of `message`, besides its payload. */
const MESSAGE_FIELDS = ['offset', 'prev', 'time', 'type', 'transaction', 'id'];
const VISIBLE = `an expression sees message (with ${MESSAGE_FIELDS.join(', ')} and payload) and payload`;

/** A name that nothing in the expression has. @param range where it stands */
export function unknownName(name: string, range: FilterError['range']): FilterError {
  const instead = MESSAGE_FIELDS.includes(name)
    ? `write message.${name}`
    : `a field of the payload is written payload.${name}`;
  return new FilterError(`${VISIBLE}, but no ${name}: ${instead}`, range);
}

/**
 * @param elements the names that macros around the node give to elements of their lists
 * @throws {FilterError} a field of the message is named without it
 */
export function refuseBareFields(node: ASTNode, elements: readonly string[] = []): void {
  if (node.op === 'id') {
    if (MESSAGE_FIELDS.includes(node.args) && !elements.includes(node.args))
      throw unknownName(node.args, rangeOf(node));
    return;
  }
  const element = elementName(node);
  const seen = element === undefined ? elements : [...elements, element];
  for (const child of childrenOf(node)) refuseBareFields(child, seen);
}
