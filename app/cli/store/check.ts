import { openStore, StoreUnreachableError } from '../../../files/artifacts/index.js';
import type { GlobalOptions } from '../options.js';

/**
 * Asks a bucket who it is, so that a wrong name or missing credentials are reported at once and not only in a worker's log. One that does not
 * answer just now is no matter: runs wait for it.
 * @throws StoreRefusedError
 */
export async function checkStore({ state, store: location }: Pick<GlobalOptions, 'state' | 'store'>): Promise<void> {
  if (location?.startsWith('s3://') !== true) return;
  await (await openStore(state, location)).shelf.identity().catch((error: unknown) => {
    if (!(error instanceof StoreUnreachableError)) throw error;
  });
}
