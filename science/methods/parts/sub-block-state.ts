import type { LinearSpec } from '../../models/types.js';
import { masksOf } from './masked-weights.js';
import type { Masks, Updates } from './masked-weights.js';

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

/** Copies all values. */
export function copyOf(updates: Updates): Map<string, Float32Array> {
  return new Map([...updates].map(([name, values]) => [name, values.slice()]));
}
