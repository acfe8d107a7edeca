/**
 * Loads a typed config from flags, environment and file, in this order of precedence, over the schema's defaults.
 *
 * Unknown names and values that do not fit are refused with what would be accepted: a misspelt setting must never pass
 * for its default.
 */
import type { Static, TObject } from 'typebox';
import Value from 'typebox/value';
import { type Leaf, leavesOf, type SettingSchema } from './leaves.ts';

export class ConfigError extends Error {
  override readonly name = 'ConfigError';
}

export interface ConfigSources {
  /** Flags by name without dashes, values as typed. */
  readonly flags: Readonly<Record<string, string>>;
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Parsed content of the config file, nested as the schema is. */
  readonly file?: unknown;
}

/** @throws {ConfigError} names the setting and what it accepts */
export function loadConfig<T extends TObject>(schema: T, sources: ConfigSources): Static<T> {
  const leaves = leavesOf(schema);
  const config: Record<string, unknown> = structuredClone((sources.file as Record<string, unknown>) ?? {});
  for (const [leaf, text, source] of settings(leaves, sources))
    assign(config, leaf.path, parse(leaf.schema, text, source));
  const complete = Value.Default(schema, config);
  const [error] = Value.Errors(schema, complete);
  if (error !== undefined) throw new ConfigError(explain(leaves, error));
  return complete as Static<T>;
}

function* settings(leaves: readonly Leaf[], sources: ConfigSources): Iterable<[Leaf, string, string]> {
  const byEnvironment = new Map(leaves.map((leaf) => [leaf.environment, leaf]));
  for (const [name, text] of Object.entries(sources.environment)) {
    if (!name.startsWith('SLUICE_') || text === undefined) continue;
    const leaf = byEnvironment.get(name);
    if (leaf === undefined)
      throw new ConfigError(
        `the environment variable ${name} is no setting${didYouMean(name, [...byEnvironment.keys()])}`,
      );
    yield [leaf, text, name];
  }
  const byFlag = new Map(leaves.map((leaf) => [leaf.flag, leaf]));
  for (const [name, text] of Object.entries(sources.flags)) {
    const leaf = byFlag.get(name);
    if (leaf === undefined) throw new ConfigError(`--${name} is no setting${didYouMean(name, [...byFlag.keys()])}`);
    yield [leaf, text, `--${name}`];
  }
}

function parse(schema: SettingSchema, text: string, source: string): unknown {
  switch (schema.type) {
    case 'integer':
    case 'number': {
      const number = Number(text);
      if (text.trim() === '' || Number.isNaN(number)) throw new ConfigError(`${source} is a number, not '${text}'`);
      return number;
    }
    case 'boolean':
      if (text !== 'true' && text !== 'false') throw new ConfigError(`${source} is true or false, not '${text}'`);
      return text === 'true';
    case 'array':
      return text
        .split(',')
        .filter((item) => item !== '')
        .map((item) => (schema.items === undefined ? item : parse(schema.items, item, source)));
    default:
      return text;
  }
}

function assign(config: Record<string, unknown>, path: readonly string[], value: unknown): void {
  let at = config;
  for (const name of path.slice(0, -1)) {
    at[name] ??= {};
    at = at[name] as Record<string, unknown>;
  }
  at[path.at(-1)!] = value;
}

function explain(leaves: readonly Leaf[], error: { instancePath: string; message: string; params: object }): string {
  const path = error.instancePath.split('/').filter((part) => part !== '');
  if (error.message === 'schema is false') return `${path.join('.')} is no setting`;
  // Of a list's members too.
  const leaf = leaves.find((candidate) => candidate.path.every((part, index) => part === path[index]));
  const name = leaf === undefined ? path.join('.') || 'the config' : `${path.join('.')} (--${leaf.flag})`;
  const allowed = 'allowedValues' in error.params ? `: ${(error.params.allowedValues as unknown[]).join(', ')}` : '';
  return `${name} ${error.message}${allowed}`;
}

function didYouMean(name: string, known: readonly string[]): string {
  const words = new Set(name.toLowerCase().split(/[-_]/));
  const score = (candidate: string) =>
    candidate
      .toLowerCase()
      .split(/[-_]/)
      .filter((word) => words.has(word)).length;
  const [best] = known.toSorted((a, b) => score(b) - score(a));
  return best === undefined || score(best) === 0 ? '' : `; did you mean ${best}?`;
}
