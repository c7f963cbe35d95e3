/** The npm packages, installed with their install scripts off: the only native code that set-up runs is what it built itself. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './console.mjs';
import { npmCommand } from './npm.mjs';

const digestOf = (file) => createHash('sha256').update(readFileSync(file)).digest('hex');
const markerOf = (root) => join(root, 'node_modules', '.llm-barber-lock');

/** Whether `node_modules` holds what `package-lock.json` says, by the digest that the last complete install left there. */
export function packagesInstalled(root) {
  return existsSync(markerOf(root)) && readFileSync(markerOf(root), 'utf8') === digestOf(join(root, 'package-lock.json'));
}

/** Leaves the digest behind. */
export function markInstalled(root) {
  writeFileSync(markerOf(root), digestOf(join(root, 'package-lock.json')));
}

/** Installs the packages where they are missing or older than the lock file. */
export async function ensurePackages(root) {
  if (packagesInstalled(root)) return 'already there';
  await run(...npmCommand('ci', '--ignore-scripts'), { name: 'npm ci', cwd: root });
  markInstalled(root);
  return 'installed';
}
