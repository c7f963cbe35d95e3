/** The steps of set-up, in a clone of the repository and for an installed package. What is done already is skipped. */
import { step, usedLog } from './console.mjs';
import { ensureEngine } from './engine.mjs';
import { linkBins } from './link-bins.mjs';
import { ensurePackages } from './packages.mjs';
import { cacheFolder, findTemporal, hasWorkerPackages, isClone, machineKind, packageRoot } from './paths.mjs';
import { ensureS3Server } from './s3-server.mjs';
import { ensureTemporal } from './temporal.mjs';
import { hasNvidiaGpu, tensorflowVersion, wheelsFor } from './wheel.mjs';
import { ensureWorkerPackages } from './worker-packages.mjs';

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < 20 || (major === 20 && minor < 19)) throw new Error(`Node ${process.versions.node} is too old: install 20.19 or newer.`);
}

/** What set-up is about to fetch, how large that is, and how long it takes: a sentence each. */
export function describeSetUp() {
  const [wheel] = wheelsFor(machineKind, hasNvidiaGpu());
  const parts = [
    ...(hasWorkerPackages() ? [] : ['npm packages of workers (200 MB, 630 MB on disk)']),
    ...(wheel === undefined ? [] : [`TensorFlow ${tensorflowVersion} from PyPI (${wheel.cuda ? '3 GB, 6 GB on disk' : '270 MB, 820 MB on disk'}), whose binding it then compiles`]),
    ...(findTemporal() === undefined ? ['the Temporal CLI (80 MB, 250 MB on disk)'] : []),
  ];
  return `Set-up downloads what is missing: ${parts.join('; ')}. It is kept in ${cacheFolder()}. This takes 2 to 5 minutes, once.`;
}

/**
 * Gets what pipelines need. `tests`: what only tests need, too. `stream`: where each step is said.
 * @throws with what stopped it
 */
export async function setUp({ tests = false, stream = process.stdout } = {}) {
  const next = (name, action) => step(name, action, stream);
  try {
    checkNode();
    await next('packages', isClone ? () => ensurePackages(packageRoot) : ensureWorkerPackages);
    if (isClone) await next('commands', () => linkBins(packageRoot));
    await next('engine', ensureEngine);
    await next('Temporal CLI', ensureTemporal);
    if (tests) await next('S3 server', ensureS3Server);
    if (isClone) await next('build', async () => (await import('../build.mjs')).build());
  } catch (error) {
    const log = usedLog() === undefined ? '' : `\nOutput of the programs that it ran: ${usedLog()}`;
    throw new Error(`Set-up stopped: ${error.message}${log}`, { cause: error });
  }
}
