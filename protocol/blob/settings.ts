/** Where images lie that are too large for the log. */
import { type Static, Type } from 'typebox';

export const S3Settings = Type.Object(
  {
    endpoint: Type.String({
      default: '',
      description: 'URL of an S3-compatible service; https://s3.<region>.amazonaws.com if empty',
    }),
    region: Type.String({ default: 'us-east-1', description: 'Region that requests are signed for' }),
    bucket: Type.String({ default: '', description: 'Bucket of the blobs; it must exist' }),
    prefix: Type.String({ default: '', description: 'What the name of every object begins with, such as blobs/' }),
    pathStyle: Type.Boolean({
      default: true,
      description: 'Name the bucket in the path, as most services of your own want it; false: in the host name',
    }),
    accessKeyId: Type.String({ default: '', description: 'Access key; not used with a credentials file' }),
    secretAccessKey: Type.String({ default: '', description: 'Secret of the access key', writeOnly: true }),
    credentialsFile: Type.String({
      default: '',
      description:
        'JSON file with AccessKeyId, SecretAccessKey and, where there is one, SessionToken; read again at every request, so it may change',
    }),
    timeoutMs: Type.Integer({ default: 10_000, minimum: 1, description: 'Longest time of one attempt' }),
    attempts: Type.Integer({
      default: 4,
      minimum: 1,
      description: 'Attempts of a request that fails by the network or by the service, with growing pauses',
    }),
  },
  { default: {}, additionalProperties: false, description: 'The S3-compatible store' },
);
export type S3Settings = Static<typeof S3Settings>;

export const BlobSettings = Type.Object(
  {
    store: Type.Enum(['folder', 's3'], {
      default: 'folder',
      description:
        'Where blobs are written. They are read from where they were written: keep the settings of both for as long as ingest-1 keeps its records',
    }),
    folder: Type.String({
      default: '',
      description: 'Folder of the blob store, shared by gateways and vision services; <data>/blobs if empty',
    }),
    s3: S3Settings,
    maxBytes: Type.Integer({
      default: 64 << 20,
      minimum: 1,
      description: 'Largest blob that is read; gateway.maxImageBytes where that is more',
    }),
    retire: Type.Boolean({
      default: true,
      description: 'Gateways remove blobs whose events the log has let go of; false: a rule of the bucket does',
    }),
    retentionMarginMs: Type.Integer({
      default: 3_600_000,
      minimum: 0,
      description: 'How much longer than its event a blob is kept',
    }),
  },
  { default: {}, additionalProperties: false, description: 'Images too large for the log' },
);
export type BlobSettings = Static<typeof BlobSettings>;
