import type { ValueProblem } from './schema-problems.js';

const has = (value: unknown, key: string): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, key);

/** Whether a file's data describe a search, recognized by the key that only a search has. */
export const isSearch = (value: unknown): boolean => has(value, 'over') && !has(value, 'stages') && !has(value, 'matrix');

/** Returns a problem if a sweep or a search is given instead of a pipeline: one problem instead of one for every key. */
export function notPipeline(value: unknown): ValueProblem | undefined {
  if (isSearch(value)) return otherKind('over', 'this file is a search; expected a pipeline. Use `temporal-pipeline search run`, `search start` or `search validate`.');
  if (has(value, 'matrix') && !has(value, 'stages')) {
    return otherKind('matrix', 'this file is a sweep; expected a pipeline. Use `temporal-pipeline sweep run`, `sweep start` or `sweep validate`.');
  }
  return undefined;
}

/** Returns a problem if a pipeline or a search is given instead of a sweep. */
export function notSweep(value: unknown): ValueProblem | undefined {
  if (isSearch(value)) return otherKind('over', 'this file is a search; expected a sweep. Use `temporal-pipeline search run`, `search start` or `search validate`.');
  if (has(value, 'stages') && !has(value, 'matrix')) {
    return otherKind('stages', 'this file is a pipeline; expected a sweep, which is a separate file with `pipeline: ./this-file.yaml` and a `matrix`. Write one, or use `temporal-pipeline run`.');
  }
  return undefined;
}

/** Returns a problem if a pipeline or a sweep is given instead of a search. */
export function notSearch(value: unknown): ValueProblem | undefined {
  if (has(value, 'over')) return undefined;
  if (has(value, 'stages')) {
    return otherKind('stages', 'this file is a pipeline; expected a search, which is a separate file with `pipeline: ./this-file.yaml` and `over`. Write one, or use `temporal-pipeline run`.');
  }
  if (has(value, 'matrix')) return otherKind('matrix', 'this file is a sweep; expected a search, with `over` instead of a `matrix`. Use `temporal-pipeline sweep run`.');
  return undefined;
}

const otherKind = (key: string, message: string): ValueProblem => ({ pointer: `/${key}`, part: 'key', message });
