import { openStore, StoreUnreachableError } from '../../../files/artifacts/index.js';
import type { GlobalOptions } from '../options.js';

/**
 * Asks a bucket for its identity, so that a wrong name or missing credentials are reported at once and not only in a worker's log. A bucket
 * that does not answer now is not an error: runs wait for it.
 * @throws StoreRefusedError
 */
export async function checkStore({ state, store: location }: Pick<GlobalOptions, 'state' | 'store'>): Promise<void> {
  if (location?.startsWith('s3://') !== true) return;
  await (await openStore(state, location)).backend.identity().catch((error: unknown) => {
    if (!(error instanceof StoreUnreachableError)) throw error;
  });
}
