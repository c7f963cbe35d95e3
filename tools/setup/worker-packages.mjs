/**
 * The npm packages that only workers need. They are 500 MB, and one of them has an install script that downloads an old TensorFlow.
 * So they are no dependencies of this package. A clone has them in its own `node_modules`; elsewhere set-up installs them into the
 * cache, without any install scripts, in the versions and with the digests of this package's lock file.
 */
import { cpSync } from 'node:fs';
import { run } from './console.mjs';
import { createComplete, readIfComplete } from './cache.mjs';
import { workerLockFolder, workerPackagesFolder } from './paths.mjs';
import { npmCommand } from './npm.mjs';

/** Installs them where they are missing. Returns the outcome in words. */
export async function ensureWorkerPackages(say) {
  const folder = workerPackagesFolder();
  if (readIfComplete(folder) !== undefined) return 'already there';
  say('fetching them from the npm registry');
  await createComplete(folder, async (partial) => {
    cpSync(workerLockFolder, partial, { recursive: true });
    await run(...npmCommand('ci', '--ignore-scripts'), { name: 'npm ci', cwd: partial });
    return {};
  });
  return 'installed';
}
