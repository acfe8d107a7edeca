/** Where images lie that are too large for the log. */
import { type Static, Type } from 'typebox';

export const BlobSettings = Type.Object(
  {
    folder: Type.String({
      default: '',
      description: 'Folder of the blob store, shared by gateways and vision services; <data>/blobs if empty',
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
