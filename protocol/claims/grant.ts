/**
 * Grants: which services, in which versions, a token is good for.
 *
 * A pattern is `<service>-<version>`, the version being `*` (any), `1` or `1.*` (any minor of major 1) or `1.0` (exactly).
 */

const PATTERN = /^([a-z][a-z0-9]*)-(\*|(0|[1-9][0-9]*)(?:\.(\*|0|[1-9][0-9]*))?)$/;

export interface ServiceVersion {
  readonly major: number;
  readonly minor: number;
}

/** What a grant says to its service: `{}` where there is nothing to say. */
export type GrantConfiguration = Readonly<Record<string, unknown>>;

/** Patterns with their configuration, as they stand in the token's `grants` claim. */
export type Grants = Readonly<Record<string, GrantConfiguration>>;

export function isGrantPattern(text: string): boolean {
  return PATTERN.test(text);
}

/** The service that a pattern speaks of. @throws {TypeError} not a pattern */
export function grantedService(pattern: string): string {
  const match = PATTERN.exec(pattern);
  if (match === null) throw new TypeError(`'${pattern}' is not a grant: use <service>-<version>, such as ocr-1.*`);
  return match[1]!;
}

function matches(pattern: string, service: string, version: ServiceVersion): boolean {
  const match = PATTERN.exec(pattern);
  if (match === null || match[1] !== service) return false;
  const [, , all, major, minor] = match;
  if (all === '*') return true;
  if (Number(major) !== version.major) return false;
  return minor === undefined || minor === '*' || Number(minor) === version.minor;
}

/** How narrow a pattern is: 0 any version, 1 any minor of a major, 2 one version. */
export function specificity(pattern: string): 0 | 1 | 2 {
  const [, , all, , minor] = PATTERN.exec(pattern) ?? [];
  if (all === '*') return 0;
  return minor === undefined || minor === '*' ? 1 : 2;
}

/** The most specific of some patterns; of two that say the same, `ocr-1` and `ocr-1.*`, always the same one. */
export function mostSpecific(patterns: readonly string[]): string | undefined {
  return patterns.toSorted((a, b) => specificity(b) - specificity(a) || (a < b ? -1 : 1))[0];
}

/** The configuration under which `grants` allow a service, or undefined where they do not. The most specific pattern counts. */
export function findGrant(grants: Grants, service: string, version: ServiceVersion): GrantConfiguration | undefined {
  const best = mostSpecific(Object.keys(grants).filter((pattern) => matches(pattern, service, version)));
  return best === undefined ? undefined : grants[best];
}
