import { findTemporal } from '#setup/paths.mjs';

/**
 * Returns the path of the real Temporal CLI: on the PATH (this package's own `temporal` does not count), otherwise the one that set-up
 * keeps in the cache. Undefined if there is none (set-up installs one).
 */
export async function findTemporalCli(): Promise<string | undefined> {
  return Promise.resolve(findTemporal());
}
