/** Checks the configuration that a claim carries for a service. */
import type { Static, TObject } from 'typebox';
import Value from 'typebox/value';
import { ConfigInvalid } from '../inference/errors.ts';
import type { ServiceConfig } from './service.ts';

/** @throws ConfigInvalid naming each key that does not fit the schema. */
export function checkConfig<Schema extends TObject>(schema: Schema, config: ServiceConfig): Static<Schema> {
  if (Value.Check(schema, config)) return config as Static<Schema>;
  const problems = Value.Errors(schema, config).map((problem) => `${problem.instancePath || '/'} ${problem.message}`);
  throw new ConfigInvalid(problems.join('; '));
}
