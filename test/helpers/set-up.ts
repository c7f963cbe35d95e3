import { existsSync } from 'node:fs';
import { findTemporal } from '#setup/paths.mjs';

/** Checks that the programs are built, because tests run them as users do. @throws if they are not */
export function requireBuild(): void {
  for (const file of ['dist/app/cli/main.js', 'dist/workflow-bundle.js', 'dist/tools/bench/faults.js']) {
    if (!existsSync(file)) throw new Error(`${file} is missing. Run \`node tools/build.mjs\`, or \`npm test\`, which builds first.`);
  }
}

/** Returns the path of the real Temporal CLI. @throws if set-up has not installed it */
export function requireTemporalCli(): string {
  const found = findTemporal();
  if (found === undefined) throw new Error('The Temporal CLI is missing. Run `npm run setup`, or `npm test`, which runs set-up first.');
  return found;
}
