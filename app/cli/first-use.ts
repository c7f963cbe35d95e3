import { findTemporal, hasWorkerPackages, isClone } from '#setup/paths.mjs';
import { connectionFromEnvironment } from './connection.js';
import { SetUpError } from './errors.js';

/**
 * Sets up before the first run of a pipeline, and first says what will be fetched. A clone is set up by hand, because it must be built
 * first.
 * @throws SetUpError
 */
export async function setUpOnFirstUse(): Promise<void> {
  const hasServer = connectionFromEnvironment() !== undefined || findTemporal() !== undefined;
  if (isClone || (hasWorkerPackages() && hasServer)) return;
  const { describeSetUp, setUp } = await import('#setup/set-up.mjs');
  process.stderr.write(`${describeSetUp()}\n`);
  // stdout is for results.
  await setUp({ stream: process.stderr }).catch((cause: unknown) => {
    throw new SetUpError(cause);
  });
}
