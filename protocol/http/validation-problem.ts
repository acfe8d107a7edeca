/** The problem for a request that does not fit its route's schema: each field once, with what would be accepted. */
import type { FastifyError, FastifyRequest } from 'fastify';
import { type FieldError, Problem } from './problem.ts';

/** What fastify calls the parts of a request, and how FieldError.field names them. */
const PLACES: Readonly<Record<string, string>> = { params: 'path', querystring: 'query', headers: 'header' };

type Validation = NonNullable<FastifyError['validation']>[number];
interface Schema {
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
  readonly anyOf?: readonly Schema[];
}

export function validationProblem(error: FastifyError, request: FastifyRequest): Problem {
  const context = error.validationContext ?? 'body';
  const place = PLACES[context] ?? '';
  const schema = (request.routeOptions.schema as Readonly<Record<string, Schema>> | undefined)?.[context];
  const errors = told(error.validation ?? []).flatMap((found) =>
    fieldErrors(found, schemaAt(schema, found.instancePath)).map(({ field, detail }) => ({
      field: `${place}${field}` || '/',
      detail,
    })),
  );
  return new Problem('invalid-request', errors.map(({ field, detail }) => `${field} ${detail}`).join('; '), {
    members: { errors },
  });
}

/** Where there may be something or nothing, what is wrong with the something says more than that it is not nothing. */
function told(errors: readonly Validation[]): readonly Validation[] {
  const choices = errors.filter(({ keyword }) => keyword === 'anyOf').map(({ instancePath }) => instancePath);
  const rest = errors.filter(
    ({ keyword, message, instancePath }) =>
      keyword !== 'anyOf' && !(message === 'must be null' && choices.includes(instancePath)),
  );
  return rest.length === 0 ? errors : rest;
}

function fieldErrors({ instancePath, message, params }: Validation, schema: Schema | undefined): FieldError[] {
  const { additionalProperties, requiredProperties, allowedValues } = params as Record<string, unknown>;
  if (Array.isArray(additionalProperties)) {
    const known = Object.keys(schema?.properties ?? {}).join(', ');
    const detail = `is no field here${known === '' ? '' : `; known are ${known}`}`;
    return additionalProperties.map((name) => ({ field: `${instancePath}/${name}`, detail }));
  }
  if (Array.isArray(requiredProperties))
    return requiredProperties.map((name) => ({ field: `${instancePath}/${name}`, detail: 'is missing' }));
  // Said once more of a field that is told as one too many.
  if (message === 'schema is false') return [];
  const allowed = Array.isArray(allowedValues) ? `: ${allowedValues.join(', ')}` : '';
  return [{ field: instancePath, detail: `${message ?? 'is not acceptable'}${allowed}${hint(params, schema)}` }];
}

/** A pattern is for machines; what it stands for is said beside it. */
function hint(params: Record<string, unknown>, schema: Schema | undefined): string {
  const meaning = schema?.title ?? schema?.description;
  if ('pattern' in params && meaning !== undefined) return ` (${meaning})`;
  if (params.format === 'date-time') return ', such as 2026-01-31T12:00:00Z';
  const known = Object.keys(schema?.properties ?? {});
  return params.type === 'object' && known.length > 0 ? ` with ${known.join(', ')}` : '';
}

function schemaAt(schema: Schema | undefined, pointer: string): Schema | undefined {
  let at = withFields(schema);
  for (const name of pointer.split('/').slice(1)) at = withFields(at?.properties?.[name] ?? at?.items);
  return at;
}

/** Of a choice, the alternative that has fields. */
function withFields(schema: Schema | undefined): Schema | undefined {
  return schema?.anyOf?.find(({ properties }) => properties !== undefined) ?? schema;
}
