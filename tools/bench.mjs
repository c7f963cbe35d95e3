/**
 * `npm run bench -- NAME [ARGUMENTS]`: builds what changed and runs the benchmark `tools/bench/NAME.ts`. With `--help` it prints the first
 * comment of that file, which says what it measures and takes.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { builtFolder, packageRoot } from './setup/paths.mjs';

const [name, ...words] = process.argv.slice(2);
const names = readdirSync(join(packageRoot, 'tools', 'bench')).filter((file) => file.endsWith('.ts')).map((file) => file.slice(0, -'.ts'.length));
if (!names.includes(name)) {
  console.error(`usage: npm run bench -- NAME [ARGUMENTS]\nNAME is one of ${names.join(', ')}${name === undefined ? '' : `; got ${name}`}.`);
  process.exit(2);
}
if (words.includes('--help')) {
  const [, comment = ''] = /^\/\*\*\n(.*?)\n \*\//s.exec(readFileSync(join(packageRoot, 'tools', 'bench', `${name}.ts`), 'utf8')) ?? [];
  console.log(comment.replaceAll(/^ \* ?/gm, ''));
  process.exit(0);
}
await build();
const program = join(builtFolder, 'tools', 'bench', `${name}.js`);
if (!existsSync(program)) throw new Error(`${program} was not built`);
process.exit(spawnSync(process.execPath, [program, ...words], { stdio: 'inherit' }).status ?? 1);
