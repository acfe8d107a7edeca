/** Settings of the vision role. */
import { type Static, Type } from 'typebox';

const MIB = 1 << 20;

export const VisionConfig = Type.Object(
  {
    services: Type.Array(Type.String({ pattern: '^[a-z][a-z0-9]*(-(0|[1-9][0-9]*)\\.(0|[1-9][0-9]*))?$' }), {
      default: ['faceextract', 'ocr', 'barcode'],
      description:
        'Vision services to run, by name, or by name and version: document-1.1; "synthetic" emits random results of every type',
    }),
    models: Type.Object(
      {
        folder: Type.String({
          default: '',
          description: 'Folder with models of your own: <folder>/<service>-<version>/manifest.json (docs/models.md)',
        }),
        lookEveryMs: Type.Integer({
          default: 2_000,
          minimum: 10,
          description: 'How often to look for another manifest there; SIGHUP looks at once',
        }),
      },
      { default: {}, additionalProperties: false, description: 'The models that the services run' },
    ),
    batch: Type.Object(
      {
        maxSize: Type.Integer({
          default: 0,
          minimum: 0,
          description: "Most samples in a model's run; 0: as its manifest says",
        }),
        delayMs: Type.Number({
          default: -1,
          minimum: -1,
          description: 'How long a sample waits for others; -1: as the manifest says',
        }),
      },
      { default: {}, additionalProperties: false, description: 'Dynamic batching in front of every model' },
    ),
    analyses: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Images that an inference process analyses side by side; 0: 1 on a CPU, 8 on a GPU',
    }),
    synthetic: Type.Object(
      {
        enabled: Type.Boolean({
          default: false,
          description: 'Emit random valid results in place of running models: for load tests and development',
        }),
        results: Type.Integer({ default: 4, minimum: 0, description: 'Most results per image' }),
        size: Type.Integer({ default: 64, minimum: 0, description: 'Most characters of a text, bytes of a blob' }),
        delayMs: Type.Number({ default: 0, minimum: 0, description: 'How long an image takes' }),
        seed: Type.Integer({ default: 1, description: 'The same seed and image give the same results' }),
      },
      { default: {}, additionalProperties: false, description: 'The synthetic vision service' },
    ),
    provider: Type.Enum(['auto', 'cpu', 'cuda'], {
      default: 'auto',
      description: 'What runs the models; auto and cuda try CUDA and fall back to the CPU, cpu does not try',
    }),
    processes: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Inference processes per service; 0: one for every two cores of its share',
    }),
    threads: Type.Integer({
      default: 0,
      minimum: 0,
      description: "Threads of one inference; 0: the service's share of the cores over its processes",
    }),
    maxImagesInFlight: Type.Integer({
      default: 0,
      minimum: 0,
      description: 'Images in work at once, per service; 0: what the inference processes hold, and two more',
    }),
    maxBytesInFlight: Type.Integer({
      default: 64 * MIB,
      minimum: 1,
      description: 'Encoded bytes of images in work at once, per service; a larger image is worked on alone',
    }),
    maxBatchBytes: Type.Integer({
      default: 16 * MIB,
      minimum: 1,
      description: 'Encoded bytes fetched ahead, per service and partition',
    }),
    startTimeoutMs: Type.Integer({
      default: 600_000,
      minimum: 1,
      description: 'How long loading and warming up may take; a GPU prepares for every shape and batch size',
    }),
    imageTimeoutMs: Type.Integer({ default: 60_000, minimum: 1, description: 'How long one image may take' }),
    maxPixels: Type.Integer({ default: 50_000_000, minimum: 1, description: 'Pixels of the largest image decoded' }),
    attempts: Type.Integer({ default: 3, minimum: 1, description: 'Tries before an image is given up' }),
    retryDelayMs: Type.Integer({
      default: 500,
      minimum: 0,
      description: 'Pause before the second try; doubles with each further one',
    }),
    maxDeaths: Type.Integer({
      default: 10,
      minimum: 1,
      description: 'Deaths of the whole process over one image after which the image is given up',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The vision services' },
);
export type VisionConfig = Static<typeof VisionConfig>;
