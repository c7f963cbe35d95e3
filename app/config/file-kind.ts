import type { ValueProblem } from './schema-problems.js';

const has = (value: unknown, key: string): boolean => typeof value === 'object' && value !== null && Object.hasOwn(value, key);

/** A sweep where a pipeline is expected: one problem instead of one for every key. */
export function notPipeline(value: unknown): ValueProblem | undefined {
  if (has(value, 'matrix') && !has(value, 'stages')) {
    return { pointer: '/matrix', part: 'key', message: 'this file is a sweep; expected a pipeline. Use `temporal-pipeline sweep run` (or `start`, `validate`).' };
  }
  return undefined;
}

/** Likewise a pipeline where a sweep is expected, whether it has a sweep in it or not. */
export function notSweep(value: unknown): ValueProblem | undefined {
  if (has(value, 'stages') && !has(value, 'matrix')) {
    return { pointer: '/stages', part: 'key', message: 'this file is a pipeline; expected a sweep, a file of its own with `pipeline: ./this-file.yaml` and a `matrix`. Write one, or use `temporal-pipeline run`.' };
  }
  return undefined;
}
