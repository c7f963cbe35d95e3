/**
 * Brings a fresh clone to where pipelines run: packages, engine, Temporal CLI, build. What is done already is skipped, so
 * `npm run demo` and `npm test` both begin with it. `node tools/setup.mjs`; exit code 0, or 1 where something is missing.
 * With `--tests` it also gets what only tests need, and continues without where it cannot.
 */
import { setUp } from './setup/set-up.mjs';

try {
  await setUp({ tests: process.argv.includes('--tests') });
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
