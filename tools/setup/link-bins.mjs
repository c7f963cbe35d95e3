/**
 * npx looks for a package's own commands in its `node_modules/.bin`, where npm links only those of its dependencies.
 */
import { lstatSync, mkdirSync, readFileSync, readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';

/** Links every `bin` of the package at `root` into its `node_modules/.bin`. Returns the outcome in words. */
export function linkBins(root) {
  const { bin } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const links = Object.entries(bin).map(([name, file]) => ({ link: join(root, 'node_modules', '.bin', name), file: join(root, file) }));
  const missing = links.filter(({ link, file }) => targetOf(link) !== relative(dirname(link), file));
  for (const { link, file } of missing) {
    mkdirSync(dirname(link), { recursive: true });
    rmSync(link, { force: true });
    symlinkSync(relative(dirname(link), file), link);
  }
  return missing.length === 0 ? 'already there' : 'linked';
}

function targetOf(link) {
  return lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink() === true ? readlinkSync(link) : undefined;
}
