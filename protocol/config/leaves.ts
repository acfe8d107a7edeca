/**
 * The leaves of a config schema: every setting with the names it goes by.
 *
 * The setting `kafka.brokers` is the flag `--kafka-brokers` and the environment variable `SLUICE_KAFKA_BROKERS`.
 */
import type { TObject, TSchema } from 'typebox';

export interface SettingSchema {
  readonly description?: string;
  readonly default?: unknown;
  readonly type?: string;
  /** A secret: taken in, never shown. */
  readonly writeOnly?: boolean;
  /** Of a list's members. */
  readonly items?: SettingSchema;
}

export interface Leaf {
  /** Property names from the root. */
  readonly path: readonly string[];
  /** Without the leading dashes. */
  readonly flag: string;
  readonly environment: string;
  readonly schema: TSchema & SettingSchema;
}

export function leavesOf(schema: TObject, path: readonly string[] = []): Leaf[] {
  return Object.entries(schema.properties).flatMap(([name, child]) => {
    const here = [...path, name];
    if ('properties' in child) return leavesOf(child as TObject, here);
    const flag = here.map(kebab).join('-');
    return [{ path: here, flag, environment: `SLUICE_${flag.toUpperCase().replaceAll('-', '_')}`, schema: child }];
  });
}

function kebab(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
