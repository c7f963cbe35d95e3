import { PruningInputError } from '../../parts/errors.js';
import type { LinearSpec } from '../../../models/types.js';
import { maskOf } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import type { GuardSettings } from './guard-defaults.js';

export type MaskMap = Map<string, Uint8Array>;

/** A sub-block's linears as they stand. */
export interface State {
  masks: MaskMap;
  /** Where they are not the dense ones. */
  updates?: Updates;
}

/** What a sub-block starts from. @throws PruningInputError if a linear has no mask */
export function firstState(linears: readonly LinearSpec[], { masks, updates }: { masks: Masks; updates?: Updates }): State {
  return { masks: new Map(linears.map(({ name }) => [name, maskOf(masks, name)])), ...ownUpdates(linears, updates) };
}

function ownUpdates(linears: readonly LinearSpec[], updates: Updates = new Map()): { updates?: Updates } {
  const own = linears.flatMap(({ name }): [string, Float32Array][] => {
    const values = updates.get(name);
    return values === undefined ? [] : [[name, values]];
  });
  return own.length === 0 ? {} : { updates: new Map(own) };
}

/** How many weights came back and went from one mask to the other. */
export function changes(before: MaskMap, after: MaskMap): { grown: number; pruned: number } {
  let grown = 0;
  let pruned = 0;
  for (const [name, old] of before) {
    const now = maskOf(after, name);
    for (let i = 0; i < old.length; i++) {
      grown += now[i] & (1 - old[i]);
      pruned += old[i] & (1 - now[i]);
    }
  }
  return { grown, pruned };
}

/** @throws PruningInputError for settings that are out of range */
export function checkGuard({ rounds, ratios, tolerance, budget }: GuardSettings): void {
  const wrong = (what: string, expected: string): never => {
    throw new PruningInputError({ where: 'guard', what, expected });
  };
  if (!Number.isInteger(rounds) || rounds < 0) wrong(`rounds is ${rounds}`, 'a whole number >= 0');
  if (!(tolerance >= 0 && tolerance < 1)) wrong(`tolerance is ${tolerance}`, 'a share in [0, 1)');
  if (!(budget >= 0)) wrong(`budget is ${budget}`, 'a number of forwards >= 0');
  if (ratios !== undefined && (ratios.length === 0 || ratios.some((ratio) => !(ratio > 0 && ratio <= 1)))) {
    wrong(`ratios is [${ratios.join(', ')}]`, 'at least one number in (0, 1]');
  }
}

/** Masks or updates in arrays of their own. */
export function copyOf<T extends Uint8Array | Float32Array>(arrays: ReadonlyMap<string, T>): Map<string, T> {
  return new Map([...arrays].map(([name, array]) => [name, array.slice() as T]));
}
