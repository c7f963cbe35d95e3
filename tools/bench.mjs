/**
 * `npm run bench -- NAME [ARGUMENTS]`: builds what changed and runs the benchmark `tools/bench/NAME.ts`. The first lines of each
 * benchmark explain what it measures, and its arguments.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { builtFolder, packageRoot } from './setup/places.mjs';

const [name, ...words] = process.argv.slice(2);
const names = readdirSync(join(packageRoot, 'tools', 'bench')).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length));
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [ARGUMENTS]\nNAME is one of ${names.join(', ')}${name === undefined ? '' : `, not ${name}`}.`);
  process.exit(2);
}
await build();
const program = join(builtFolder, 'tools', 'bench', `${name}.js`);
if (!existsSync(program)) throw new Error(`${program} was not built`);
process.exit(spawnSync(process.execPath, [program, ...words], { stdio: 'inherit' }).status ?? 1);
