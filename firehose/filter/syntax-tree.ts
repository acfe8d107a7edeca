/** Walks the syntax tree of an expression. */
import type { ASTNode } from '@marcbachmann/cel-js';

/** Functions that go through a list and give a name to each of its elements. */
const MACROS = new Set(['all', 'exists', 'exists_one', 'filter', 'map']);

/** The function that a node calls; undefined where it is no call. */
export function calledName(node: ASTNode): string | undefined {
  return node.op === 'call' || node.op === 'rcall' ? node.args[0] : undefined;
}

/** Whether the node goes through a list. */
export function isMacro(node: ASTNode): boolean {
  const name = calledName(node);
  return name !== undefined && MACROS.has(name);
}

/** The name that a macro gives to the elements of its list; undefined of any other node. */
export function elementName(node: ASTNode): string | undefined {
  if (node.op !== 'rcall' || !isMacro(node)) return undefined;
  const [, , [element]] = node.args;
  return element?.op === 'id' ? element.args : undefined;
}

export function childrenOf(node: ASTNode): ASTNode[] {
  return nodesIn(node.args);
}

export function rangeOf({ start, end }: ASTNode): { start: number; end: number } {
  return { start, end };
}

function nodesIn(args: unknown): ASTNode[] {
  if (Array.isArray(args)) return args.flatMap(nodesIn);
  return typeof args === 'object' && args !== null && 'op' in args ? [args as ASTNode] : [];
}
