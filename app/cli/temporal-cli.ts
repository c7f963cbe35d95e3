import { findTemporal } from '#setup/places.mjs';

/**
 * Path of the real Temporal CLI: on the PATH (this package's own `temporal` does not count), else the one that set-up keeps
 * in the cache; `undefined` if there is none (set-up gets one).
 */
export async function findTemporalCli(): Promise<string | undefined> {
  return Promise.resolve(findTemporal());
}
