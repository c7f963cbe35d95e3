import { join } from 'node:path';
import { s3Location, storeLocation } from './store-location.js';
import { ArtifactStore } from './store.js';

/**
 * Opens an artifact store.
 * @param state the state folder. For a bucket, its subfolder `artifacts` is the local cache
 * @param location a location as {@link storeLocation} accepts it; `artifacts` in the state folder if absent
 * @throws StoreLocationError
 */
export async function openStore(state: string, location: string | undefined): Promise<ArtifactStore> {
  const own = join(state, 'artifacts');
  const place = storeLocation(location ?? own);
  const match = s3Location.exec(place);
  if (match === null) return new ArtifactStore(place);
  // The SDK is large and seldom needed.
  const { Bucket } = await import('./bucket.js');
  const [, bucket = '', folder = ''] = match;
  const prefix = folder.replace(/\/+$/, '');
  return new ArtifactStore(own, new Bucket(bucket, prefix === '' ? '' : `${prefix}/`));
}
