import { realpathSync } from 'node:fs';
import { readdir, realpath } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { PathNotAllowedError } from './errors.js';

/** No system has longer paths, and resolving each of their folders would take long. */
const longestPath = 4096;

/**
 * The folders that pipelines may read. Anyone who may start workflows can send a pipeline, so its paths are compared with the
 * folders that the worker's owner allows, after links are resolved. A link that is changed between check and use is not
 * detected: anyone who can write into an allowed folder of this machine is trusted.
 */
export class AllowedPaths {
  /** @param folders absolute, with links resolved; everything is allowed if absent */
  constructor(private readonly folders?: readonly string[]) {}

  /** Also allows a folder whose content this program wrote itself. If everything is allowed, nothing changes. */
  alsoWithin(folder: string): AllowedPaths {
    return this.folders === undefined ? this : new AllowedPaths([...this.folders, realpathSync(folder)]);
  }

  /**
   * Checks a file, or a folder and the targets of all links in it (in a Hugging Face cache every file of a model is a link).
   * The error does not tell whether a path outside exists.
   * @param key setting of the pipeline file, for the message
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
    if (path.length > longestPath) throw new PathNotAllowedError({ where: key, what: `the path has ${path.length} characters`, expected: `at most ${longestPath}`, remedy: 'Use a shorter path' });
    const isAllowed = (candidate: string): boolean => folders.some((folder) => isWithin(candidate, folder));
    // Check the path as given and with `..` resolved. After a link these can be different paths, and both are used.
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

/** Resolves the links of a path, also if its end does not exist. */
async function realPathOf(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch {
    const parent = dirname(path);
    return parent === path ? path : join(await realPathOf(parent), basename(path));
  }
}
