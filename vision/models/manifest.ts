/**
 * The manifest of a vision service: which models it runs, where they come from, and every number that its
 * pre- and post-processing depends on. A new version of a model is a new manifest, not new code.
 */
import { readFile } from 'node:fs/promises';
import { type Static, type TSchema, Type } from 'typebox';
import Value from 'typebox/value';
import { ModelUnavailable } from '../inference/errors.ts';

const ModelFile = Type.Object(
  {
    /** Stable name that results carry. */
    name: Type.String({ minLength: 1 }),
    /** Version of the package that the file comes from. */
    version: Type.String({ minLength: 1 }),
    /** npm package, and the file's path inside it. */
    package: Type.String({ minLength: 1 }),
    file: Type.String({ minLength: 1 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** SPDX identifier. */
    licence: Type.String({ minLength: 1 }),
    /** Where the package's author took it from. */
    source: Type.String(),
    /** What the model takes, for people. */
    input: Type.String(),
  },
  { additionalProperties: false },
);
export type ModelFile = Static<typeof ModelFile>;

/** Every manifest; `Parameters` is the service's own schema. */
function manifestSchema<Parameters extends TSchema>(parameters: Parameters) {
  return Type.Object(
    {
      name: Type.String({ pattern: '^[a-z][a-z0-9]*$' }),
      version: Type.String({ pattern: '^[0-9]+\\.[0-9]+$' }),
      models: Type.Record(Type.String(), ModelFile),
      parameters,
    },
    { additionalProperties: false },
  );
}

export interface Manifest<Models extends string, Parameters> {
  readonly name: string;
  readonly version: string;
  readonly models: Readonly<Record<Models, ModelFile>>;
  readonly parameters: Parameters;
}

/**
 * Reads `manifest.json` of a folder.
 * @param models the names under which the service asks for its models; each must be there.
 * @throws ModelUnavailable when the file is missing or does not fit the schema; unknown keys do not fit.
 */
export async function readManifest<Models extends string, Parameters extends TSchema>(
  folder: URL,
  models: readonly Models[],
  parameters: Parameters,
): Promise<Manifest<Models, Static<Parameters>>> {
  const file = new URL('manifest.json', folder);
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new ModelUnavailable(`${file.pathname}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const schema = manifestSchema(parameters);
  if (!Value.Check(schema, value)) {
    const problems = Value.Errors(schema, value).map((problem) => `${problem.instancePath || '/'} ${problem.message}`);
    throw new ModelUnavailable(`${file.pathname}: ${problems.join('; ')}`);
  }
  const manifest = value as unknown as Manifest<Models, Static<Parameters>>;
  const missing = models.filter((name) => manifest.models[name] === undefined);
  if (missing.length > 0) throw new ModelUnavailable(`${file.pathname}: no model ${missing.join(', ')}`);
  return manifest;
}
