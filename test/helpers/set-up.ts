import { existsSync } from 'node:fs';
import { findTemporal } from '#setup/places.mjs';

/** Programs are tested as users have them: built. @throws where they are not */
export function requireBuild(): void {
  for (const file of ['dist/app/cli/main.js', 'dist/workflow-bundle.js', 'dist/tools/bench/faults.js']) {
    if (!existsSync(file)) throw new Error(`${file} is missing. Run \`node tools/build.mjs\`, or \`npm test\`, which does so first.`);
  }
}

/** Path of the real Temporal CLI. @throws where set-up has not got one */
export function requireTemporalCli(): string {
  const found = findTemporal();
  if (found === undefined) throw new Error('There is no Temporal CLI. Run `npm run setup`, or `npm test`, which does so first.');
  return found;
}
