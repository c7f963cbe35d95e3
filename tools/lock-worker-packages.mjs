/**
 * Extracts the part of `package-lock.json` that set-up installs for workers (tools/setup/worker-packages.mjs) into
 * `dist/worker-packages/`. npm does not publish a lock file. This way versions and digests have a single source.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot, workerLockFolder } from './setup/paths.mjs';

/** The packages that workers import by name. All others are installed because these depend on them. */
export const workerPackages = [
  '@temporalio/activity', '@temporalio/client', '@temporalio/common', '@temporalio/envconfig', '@temporalio/proto', '@temporalio/testing',
  '@temporalio/worker', '@temporalio/workflow', '@tensorflow/tfjs', '@tensorflow/tfjs-backend-wasm', '@tensorflow/tfjs-node-gpu', 'tokenizers',
];

/** Returns where the package at `path` finds `name`, by Node's lookup; `undefined` if it is not installed. */
function placeOf(packages, path, name) {
  const inside = `${path === '' ? '' : `${path}/`}node_modules/${name}`;
  if (inside in packages || path === '') return inside in packages ? inside : undefined;
  return placeOf(packages, path.slice(0, Math.max(0, path.lastIndexOf('/node_modules/'))), name);
}

/** Returns the packages of a lock that `names` need, by their path in it, without the flags that apply only to other roots. */
export function partOf({ packages }, names) {
  const part = {};
  const waiting = names.map((name) => placeOf(packages, '', name));
  while (waiting.length > 0) {
    const path = waiting.pop();
    // An optional dependency may be missing.
    if (path === undefined || path in part) continue;
    const { dev: _dev, devOptional: _devOptional, peer: _peer, ...entry } = packages[path];
    part[path] = entry;
    const { dependencies, optionalDependencies, peerDependencies } = entry;
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies })) waiting.push(placeOf(packages, path, name));
  }
  return part;
}

/** Writes `package.json` and `package-lock.json` for the packages of workers. */
export function lockWorkerPackages() {
  const lock = JSON.parse(readFileSync(join(packageRoot, 'package-lock.json'), 'utf8'));
  const { overrides } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
  const part = partOf(lock, workerPackages);
  const dependencies = Object.fromEntries(workerPackages.map((wanted) => [wanted, part[`node_modules/${wanted}`].version]));
  // Does not contain our version, so that releases with the same packages share them.
  const own = { name: 'worker-packages', version: '0.0.0', dependencies };
  const packages = { '': own, ...Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1))) };
  mkdirSync(workerLockFolder, { recursive: true });
  writeFileSync(join(workerLockFolder, 'package.json'), JSON.stringify({ ...own, private: true, overrides }, null, 2));
  writeFileSync(join(workerLockFolder, 'package-lock.json'), JSON.stringify({ name: own.name, version: own.version, lockfileVersion: lock.lockfileVersion, requires: true, packages }, null, 2));
}
