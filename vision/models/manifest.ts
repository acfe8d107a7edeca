/**
 * The manifest of a vision service: which models it runs, where they come from, how they are run, and every number that its
 * pre- and post-processing depends on. A new version of a model is a new manifest, not new code.
 */
import { readFile } from 'node:fs/promises';
import { type Static, type TSchema, Type } from 'typebox';
import Value from 'typebox/value';
import { ModelUnavailable } from '../inference/errors.ts';

/** How many samples a model takes in one run, and how long one waits for others. */
const Batching = Type.Object(
  {
    /** Ascending, from 1. A run with fewer samples than one of these is filled up with zeros: each size costs a warm-up. */
    sizes: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1 }),
    /** Milliseconds that a sample waits for others of its shape while nothing runs. */
    delayMs: Type.Number({ minimum: 0 }),
  },
  { additionalProperties: false },
);
export type Batching = Static<typeof Batching>;

const ModelFile = Type.Object(
  {
    /** Stable name that results carry. */
    name: Type.String({ minLength: 1 }),
    /** Version of the package that the file comes from. */
    version: Type.String({ minLength: 1 }),
    /** npm package that holds the file; without it the file lies beside the manifest. */
    package: Type.Optional(Type.String({ minLength: 1 })),
    /** Path inside the package or the manifest's folder. */
    file: Type.String({ minLength: 1 }),
    sha256: Type.String({ pattern: '^[0-9a-f]{64}$' }),
    /** SPDX identifier. */
    licence: Type.String({ minLength: 1 }),
    /** Where the package's author took it from. */
    source: Type.String(),
    /** What the model takes, for people. */
    input: Type.String(),
    /** A typical sample of an ONNX model, with which `sluice vision check` compares providers. */
    sample: Type.Optional(
      Type.Object(
        {
          /** Without the batch. */
          shape: Type.Array(Type.Integer({ minimum: 1 }), { minItems: 1 }),
          least: Type.Number(),
          largest: Type.Number(),
        },
        { additionalProperties: false },
      ),
    ),
    /** Per execution provider; one sample a run where nothing is said. */
    batching: Type.Optional(
      Type.Object({ cpu: Type.Optional(Batching), cuda: Type.Optional(Batching) }, { additionalProperties: false }),
    ),
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
      /** Values that the `label` of a result can have; where there are too many to name, what kind they are. */
      labels: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }),
      models: Type.Record(Type.String(), ModelFile),
      parameters,
    },
    { additionalProperties: false },
  );
}

export interface Manifest<Models extends string, Parameters> {
  readonly name: string;
  readonly version: string;
  readonly labels: readonly string[];
  readonly models: Readonly<Record<Models, ModelFile>>;
  readonly parameters: Parameters;
}

/**
 * A manifest as it was read, with the folder that its files lie beside. What is opened, and opened again after a crash, is what was
 * read, whatever happens to the file meanwhile.
 */
export interface ManifestSource {
  readonly folder: URL;
  readonly text: string;
}

/** @throws ModelUnavailable when the folder has no readable manifest.json. */
export async function readManifestSource(folder: URL): Promise<ManifestSource> {
  const file = new URL('manifest.json', folder);
  try {
    return { folder, text: await readFile(file, 'utf8') };
  } catch (error) {
    throw new ModelUnavailable(`${file.pathname}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * Checks a manifest.
 * @param models the names under which the service asks for its models; each must be there.
 * @throws ModelUnavailable when it does not fit the schema; unknown keys do not fit.
 */
export function parseManifest<Models extends string, Parameters extends TSchema>(
  { folder, text }: ManifestSource,
  models: readonly Models[],
  parameters: Parameters,
): Manifest<Models, Static<Parameters>> {
  const file = new URL('manifest.json', folder).pathname;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new ModelUnavailable(`${file}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const schema = manifestSchema(parameters);
  if (!Value.Check(schema, value)) {
    const problems = Value.Errors(schema, value).map((problem) => `${problem.instancePath || '/'} ${problem.message}`);
    throw new ModelUnavailable(`${file}: ${problems.join('; ')}`);
  }
  const manifest = value as unknown as Manifest<Models, Static<Parameters>>;
  const missing = models.filter((name) => manifest.models[name] === undefined);
  if (missing.length > 0) throw new ModelUnavailable(`${file}: no model ${missing.join(', ')}`);
  return manifest;
}
