import { digestOf } from '../../files/artifacts/digest.js';
import type { Combination, SweepChoice, SweepValue } from './sweep.js';

/** Whether a combination contains all values of an entry. */
export function agrees(combination: Combination, entry: Combination): boolean {
  return Object.entries(entry).every(([path, value]) => Object.hasOwn(combination, path) && combination[path] === value);
}

/** Every combination of the matrix, the last path's values changing fastest. */
export function product(matrix: Record<string, SweepValue[]>): Combination[] {
  return Object.entries(matrix).reduce<Combination[]>(
    (combinations, [path, values]) => combinations.flatMap((combination) => values.map((value) => ({ ...combination, [path]: value }))),
    [{}],
  );
}

/** The combinations of a sweep without duplicates: those of the matrix that are not excluded, then those that are included. */
export function combinationsOf({ matrix, exclude, include }: SweepChoice): Combination[] {
  const kept = product(matrix).filter((combination) => !exclude.some((entry) => agrees(combination, entry)));
  const key = (combination: Combination): string => JSON.stringify(Object.entries(combination).sort(([a], [b]) => (a < b ? -1 : 1)));
  return [...new Map([...kept, ...include].reverse().map((combination) => [key(combination), combination])).values()].reverse();
}

const longestText = 40;

/**
 * The name of a member, for example `sparsity=0.5,ratio=0.1`. It depends only on the member's own values, so it stays the same when values
 * are added. It can be part of a workflow id and of a file name.
 */
export function memberName(combination: Combination): string {
  const paths = Object.keys(combination);
  const last = (path: string): string => path.split('.').at(-1) ?? path;
  const isAmbiguous = (path: string): boolean => paths.filter((other) => last(other) === last(path)).length > 1;
  return paths.map((path) => `${isAmbiguous(path) ? path : last(path)}=${valueText(combination[path])}`).join(',');
}

/** Shortens text that is not a plain word (usually a path) to its last part and a digest. */
function valueText(value: SweepValue): string {
  if (typeof value !== 'string') return String(value);
  if (/^[\w.:+-]+$/.test(value) && value.length <= longestText) return value;
  const part = value.split(/[\\/]/).findLast((word) => word !== '') ?? '';
  return `${part.replace(/[^\w.:+-]/g, '-').slice(0, longestText)}~${digestOf(value).slice(0, 6)}`;
}
