/** Checks the configuration that a claim carries for a service. */
import type { Static, TObject } from 'typebox';
import Value from 'typebox/value';
import { ConfigInvalid } from '../inference/errors.ts';
import type { ServiceConfig } from './service.ts';

/** @throws ConfigInvalid naming each key that does not fit the schema. */
export function checkConfig<Schema extends TObject>(schema: Schema, config: ServiceConfig): Static<Schema> {
  if (Value.Check(schema, config)) return config as Static<Schema>;
  const unknown = Object.keys(config).filter((name) => !Object.hasOwn(schema.properties, name));
  const problems = [
    ...unknown.map((name) => `/${name} is no setting here; known are ${Object.keys(schema.properties).join(', ')}`),
    ...Value.Errors(schema, config)
      .filter(({ message }) => !UNKNOWN.has(message))
      .map(({ instancePath, message }) => `${instancePath || '/'} ${message}`),
  ];
  throw new ConfigInvalid(problems.join('; '));
}

/** What the schema library says of a key that it does not know: neither that it is so, nor which it knows. */
const UNKNOWN = new Set(['schema is false', 'must not have additional properties']);
