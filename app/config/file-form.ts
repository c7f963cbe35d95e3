import { isAbsolute, relative, sep } from 'node:path';
import type { Pipeline } from './pipeline.js';

/** Returns a resolved pipeline in the syntax of a pipeline file, with every default written out. */
export function fileForm({ stages, gates, ...head }: Pipeline): Record<string, unknown> {
  return {
    ...head,
    stages: stages.map(({ type, ...settings }) => ({ [type]: withoutEmpty(settings) })),
    ...(gates !== undefined && { gates: gates.map(({ name, check }) => (name === undefined ? check : { name, check })) }),
  };
}

/** Removes empty lists. In the file a list may be absent, but not empty. */
function withoutEmpty(settings: object): object {
  return Object.fromEntries(Object.entries(settings).filter(([, value]) => !(Array.isArray(value) && value.length === 0)));
}

/** Copies plain data, with all absolute paths made relative to a folder. */
export function withRelativePaths(value: unknown, folder: string): unknown {
  if (typeof value === 'string') return isAbsolute(value) ? relativePath(value, folder) : value;
  if (Array.isArray(value)) return value.map((item) => withRelativePaths(item, folder));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withRelativePaths(item, folder)]));
}

/** A path as a file in that folder would write it. The `./` in front prevents it from being read as a repository id. */
export function relativePath(path: string, folder: string): string {
  const text = relative(folder, path).split(sep).join('/');
  return text.startsWith('..') ? text : `./${text}`;
}
