/**
 * Brings a fresh clone to where pipelines run: packages, engine, Temporal CLI, build. What is done already is skipped, so
 * `npm run demo` and `npm test` both begin with it. `node tools/setup.mjs`; exit code 0, or 1 where something is missing.
 * With `--tests` it also gets what only tests need, and continues without where it cannot.
 */
import { step, usedLog } from './setup/console.mjs';
import { ensureEngine } from './setup/engine.mjs';
import { linkBins } from './setup/link-bins.mjs';
import { ensurePackages } from './setup/packages.mjs';
import { packageRoot } from './setup/places.mjs';
import { ensureS3Server } from './setup/s3-server.mjs';
import { ensureTemporal } from './setup/temporal.mjs';

const [major, minor] = process.versions.node.split('.').map(Number);

try {
  if (major < 20 || (major === 20 && minor < 19)) throw new Error(`Node ${process.versions.node} is too old: install 20.19 or newer.`);
  await step('packages', () => ensurePackages(packageRoot));
  await step('commands', () => linkBins(packageRoot));
  await step('engine', ensureEngine);
  await step('Temporal CLI', ensureTemporal);
  if (process.argv.includes('--tests')) await step('S3 server', ensureS3Server);
  await step('build', async () => (await import('./build.mjs')).build());
} catch (error) {
  console.error(`Set-up stopped: ${error.message}`);
  if (usedLog()) console.error(`Output of the programs that it called: ${usedLog()}`);
  process.exitCode = 1;
}
