/** Narrowing grants: what a token may carry when less is asked for than is allowed. */
import type { GrantConfiguration, Grants } from './grant.ts';
import { grantedService, mostSpecific } from './grant.ts';

/**
 * The grants to mint for the patterns that were asked for.
 *
 * A pattern that was asked for takes the configuration of the most specific pattern allowed that covers it; patterns allowed
 * that are more specific than it come along, so that what they say of their versions is not got round by asking broadly.
 *
 * @returns the grants, or the patterns that are not allowed
 */
export function narrowGrants(allowed: Grants, asked: readonly string[]): { grants: Grants } | { refused: string[] } {
  const grants: Record<string, GrantConfiguration> = {};
  const refused: string[] = [];
  for (const pattern of asked) {
    const covering = mostSpecific(Object.keys(allowed).filter((candidate) => covers(candidate, pattern)));
    if (covering === undefined) {
      refused.push(pattern);
      continue;
    }
    grants[pattern] = allowed[covering]!;
    for (const candidate of Object.keys(allowed))
      if (covers(pattern, candidate)) grants[candidate] = allowed[candidate]!;
  }
  return refused.length > 0 ? { refused } : { grants };
}

/** Whether every version that `narrow` speaks of is one that `broad` does. */
function covers(broad: string, narrow: string): boolean {
  if (grantedService(broad) !== grantedService(narrow)) return false;
  const [broadMajor, broadMinor] = versionOf(broad);
  const [narrowMajor, narrowMinor] = versionOf(narrow);
  if (broadMajor === '*') return true;
  if (broadMajor !== narrowMajor) return false;
  return broadMinor === '*' || broadMinor === narrowMinor;
}

/** Major and minor, '*' for any: `ocr-1` speaks of every minor of 1. */
function versionOf(pattern: string): [string, string] {
  const [major, minor = '*'] = pattern.slice(pattern.indexOf('-') + 1).split('.') as [string, string?];
  return [major, minor];
}
