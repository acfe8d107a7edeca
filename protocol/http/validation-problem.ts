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
}

export function validationProblem(error: FastifyError, request: FastifyRequest): Problem {
  const context = error.validationContext ?? 'body';
  const place = PLACES[context] ?? '';
  const schema = (request.routeOptions.schema as Readonly<Record<string, Schema>> | undefined)?.[context];
  const errors = (error.validation ?? []).flatMap((found) =>
    fieldErrors(found, schemaAt(schema, found.instancePath)).map(({ field, detail }) => ({
      field: `${place}${field}` || '/',
      detail,
    })),
  );
  return new Problem('invalid-request', errors.map(({ field, detail }) => `${field} ${detail}`).join('; '), {
    members: { errors },
  });
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
  return 'pattern' in params && meaning !== undefined ? ` (${meaning})` : '';
}

function schemaAt(schema: Schema | undefined, pointer: string): Schema | undefined {
  let at = schema;
  for (const name of pointer.split('/').slice(1)) at = at?.properties?.[name];
  return at;
}
