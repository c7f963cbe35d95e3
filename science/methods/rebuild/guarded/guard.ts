import { PruningInputError } from '../../parts/errors.js';
import type { LinearSpec } from '../../../models/types.js';
import { masksOf } from '../../parts/masked-weights.js';
import type { Masks, Updates } from '../../parts/masked-weights.js';
import type { GuardSettings } from './guard-defaults.js';

/** The current masks and values of a sub-block's linears. */
export interface State {
  masks: Masks;
  /** Values that differ from the dense ones. */
  updates?: Updates;
}

/** Returns the first state of a sub-block, with one byte per weight of a mask unless `own` is given. @throws PruningInputError if a mask is missing */
export function firstState(linears: readonly LinearSpec[], { masks, updates }: { masks: Masks; updates?: Updates }, own: Masks = masksOf(linears, masks)): State {
  return { masks: own, ...ownUpdates(linears, updates) };
}

function ownUpdates(linears: readonly LinearSpec[], updates: Updates = new Map()): { updates?: Updates } {
  const own = linears.flatMap(({ name }): [string, Float32Array][] => {
    const values = updates.get(name);
    return values === undefined ? [] : [[name, values]];
  });
  return own.length === 0 ? {} : { updates: new Map(own) };
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

/** Copies all values. */
export function copyOf(updates: Updates): Map<string, Float32Array> {
  return new Map([...updates].map(([name, values]) => [name, values.slice()]));
}
