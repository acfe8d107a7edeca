/** Opens the blob stores that the settings know of. */
import { ConfigError } from '../config/load.ts';
import type { BlobStore } from './blob-store.ts';
import { FolderBlobStore } from './folder-blob-store.ts';
import { referencedBlobStore } from './referenced-blob-store.ts';
import { S3BlobStore } from './s3-blob-store.ts';
import type { BlobSettings } from './settings.ts';

/**
 * The store that `settings.store` names is written to; the other is read where an older reference names it, S3 only if its bucket is set.
 *
 * @param folder of the folder store where the settings name none
 * @param measured makes a store measured
 * @throws {ConfigError} what a store needs is not set
 */
export function openBlobStores(
  settings: BlobSettings,
  folder: string,
  measured: (store: BlobStore) => BlobStore = (store) => store,
): BlobStore {
  const inFolder = measured(new FolderBlobStore(settings.folder || folder, settings.maxBytes));
  const inS3 = settings.store === 's3' || settings.s3.bucket !== '' ? measured(openS3(settings)) : undefined;
  if (settings.store === 's3') return referencedBlobStore(inS3!, [inFolder]);
  return referencedBlobStore(inFolder, inS3 === undefined ? [] : [inS3]);
}

/** @throws {ConfigError} */
function openS3(settings: BlobSettings): BlobStore {
  const { bucket, endpoint, credentialsFile, accessKeyId, secretAccessKey } = settings.s3;
  if (bucket === '') throw new ConfigError('--blobs-store s3 needs the name of a bucket: --blobs-s3-bucket');
  if (endpoint !== '' && !URL.canParse(endpoint))
    throw new ConfigError(`--blobs-s3-endpoint is a URL such as https://s3.example.com, not '${endpoint}'`);
  if (credentialsFile === '' && (accessKeyId === '' || secretAccessKey === ''))
    throw new ConfigError(
      'a blob store in S3 needs --blobs-s3-credentials-file, or --blobs-s3-access-key-id and --blobs-s3-secret-access-key',
    );
  return new S3BlobStore({
    settings: settings.s3,
    maxBytes: settings.maxBytes,
    // A blob lives for the margin longer than its event: written anew within half of it, it outlives a later event as well.
    renewAfterMs: settings.retentionMarginMs / 2,
  });
}
