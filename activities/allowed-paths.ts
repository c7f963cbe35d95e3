import { realpathSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PathNotAllowedError } from './errors.js';

/** No system has longer ones, and looking for each of their folders would take long. */
const longestPath = 4096;

/**
 * Where pipelines may read. They come from whoever may start workflows, so what they name is compared with the folders that the
 * worker's owner allows, after links are resolved. A link that is changed between check and use is not caught: who can write
 * into an allowed folder of this machine is trusted.
 */
export class AllowedPaths {
  /** @param folders absolute, links resolved; everything is allowed if absent */
  constructor(private readonly folders?: readonly string[]) {}

  /** The same with one more folder, for what this program put there itself; everything stays allowed where everything is. */
  alsoWithin(folder: string): AllowedPaths {
    return this.folders === undefined ? this : new AllowedPaths([...this.folders, realpathSync(folder)]);
  }

  /**
   * Checks a file, or a folder and all that links in it lead to (in a Hugging Face cache every file of a model is a link).
   * Whether a path outside exists is not told.
   * @param key of the pipeline file, for the message
   * @throws PathNotAllowedError
   */
  async check(key: string, path: string): Promise<void> {
    if (this.folders === undefined) return;
    await this.checkOne(key, path);
    const entries = await readdir(path, { withFileTypes: true }).catch(() => []);
    for (const entry of entries) if (entry.isSymbolicLink()) await this.checkOne(key, join(path, entry.name));
  }

  private async checkOne(key: string, path: string): Promise<void> {
    const { folders = [] } = this;
    if (path.length > longestPath) throw new PathNotAllowedError({ where: key, what: `a path of ${path.length} characters`, expected: `at most ${longestPath}`, remedy: 'Name the file by a shorter path' });
    const isAllowed = (candidate: string): boolean => folders.some((folder) => isWithin(candidate, folder));
    // As it stands and without its `..`, which after a link are two different paths: both are in use.
    const reals = [await realPathOf(path), await realPathOf(resolve(path))];
    const outside = reals.find((real) => !isAllowed(real));
    if (outside === undefined) return;
    const leads = isAllowed(resolve(path)) ? ` is a link to ${outside}, which` : '';
    throw new PathNotAllowedError({
      where: key,
      what: `${path}${leads} is not in a folder that this worker lets pipelines read`,
      expected: `a path within ${folders.join(' or ')}`,
      remedy: "Move the file there, or have the worker's owner add its folder with `worker --allow-path` (or LLM_BARBER_ALLOW_PATH)",
    });
  }
}

function isWithin(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way === '' || (way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way));
}

/** Where a path leads to, or would if it were there. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}
