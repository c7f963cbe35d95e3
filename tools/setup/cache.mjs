/** Folders of the cache that are either whole or not there: made under a temporary name and renamed. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative } from 'node:path';

const manifestName = 'manifest.json';

function filesUnder(folder) {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name));
}

/** What a whole folder says about itself; `undefined` where it is missing or a file of it is missing or of another size. */
export function readIfComplete(folder) {
  try {
    const manifest = JSON.parse(readFileSync(join(folder, manifestName), 'utf8'));
    const whole = Object.entries(manifest.files).every(([name, size]) => statSync(join(folder, name)).size === size);
    return whole ? manifest : undefined;
  } catch {
    return undefined;
  }
}

/** Removes what interrupted set-ups left beside `folder`. */
function removeLeftovers(folder) {
  const prefix = `${basename(folder)}.partial-`;
  for (const name of readdirSync(dirname(folder)).filter((name) => name.startsWith(prefix))) {
    if (!isRunning(Number(name.slice(prefix.length)))) rmSync(join(dirname(folder), name), { recursive: true, force: true });
  }
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/**
 * Makes `folder` by `fill(partial)`, which returns what the manifest shall say beside the list of files. A crash, a failure or
 * another set-up at the same time leaves either the whole folder or none.
 */
export async function createComplete(folder, fill) {
  mkdirSync(dirname(folder), { recursive: true });
  removeLeftovers(folder);
  const partial = `${folder}.partial-${process.pid}`;
  try {
    mkdirSync(partial);
    const facts = await fill(partial);
    const files = Object.fromEntries(filesUnder(partial).map((file) => [relative(partial, file), statSync(file).size]));
    writeFileSync(join(partial, manifestName), JSON.stringify({ ...facts, files }, null, 2));
    if (existsSync(folder) && readIfComplete(folder) === undefined) rmSync(folder, { recursive: true, force: true });
    if (!existsSync(folder)) renameSync(partial, folder);
  } finally {
    rmSync(partial, { recursive: true, force: true });
  }
  return readIfComplete(folder);
}
