import { homedir } from 'node:os';
import { join, resolve } from 'node:path';

/** Makes a path of the pipeline file absolute. */
export function absolutePath(path: string, base: string): string {
  return path.startsWith('~/') ? join(homedir(), path.slice(2)) : resolve(base, path);
}
