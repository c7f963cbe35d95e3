import { PruningInputError } from './errors.js';

/** @throws PruningInputError unless there are `length` numbers */
export function checkLength(values: Float32Array, length: number, subject: string): void {
  if (values.length === length) return;
  throw new PruningInputError({ where: subject, what: `${values.length} numbers`, expected: `${length}` });
}
