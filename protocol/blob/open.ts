/** Opens the blob store that the settings name. */
import { ConfigError } from '../config/load.ts';
import type { BlobStore } from './blob-store.ts';
import { FolderBlobStore } from './folder-blob-store.ts';
import { S3BlobStore } from './s3-blob-store.ts';
import type { BlobSettings } from './settings.ts';

/**
 * @param folder of the folder store where the settings name none
 * @throws {ConfigError} what the store needs is not set
 */
export function openBlobStore(settings: BlobSettings, folder: string): BlobStore {
  switch (settings.store) {
    case 'folder':
      return new FolderBlobStore(settings.folder || folder, settings.maxBytes);
    case 's3': {
      const { bucket, endpoint, credentialsFile, accessKeyId, secretAccessKey } = settings.s3;
      if (bucket === '') throw new ConfigError('--blobs-store s3 needs the name of a bucket: --blobs-s3-bucket');
      if (endpoint !== '' && !URL.canParse(endpoint))
        throw new ConfigError(`--blobs-s3-endpoint is a URL such as https://s3.example.com, not '${endpoint}'`);
      if (credentialsFile === '' && (accessKeyId === '' || secretAccessKey === ''))
        throw new ConfigError(
          '--blobs-store s3 needs --blobs-s3-credentials-file, or --blobs-s3-access-key-id and --blobs-s3-secret-access-key',
        );
      return new S3BlobStore({
        settings: settings.s3,
        maxBytes: settings.maxBytes,
        // A blob lives for the margin longer than its event: written anew within half of it, it outlives a later event as well.
        renewAfterMs: settings.retentionMarginMs / 2,
      });
    }
  }
}
