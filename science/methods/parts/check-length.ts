import { PruningInputError } from './errors.js';

/** @throws PruningInputError unless there are as many numbers as expected */
export function checkLength(values: Float32Array, length: number, subject: string): void {
  if (values.length === length) return;
  throw new PruningInputError({ where: subject, what: `${values.length} numbers`, expected: `${length}` });
}
