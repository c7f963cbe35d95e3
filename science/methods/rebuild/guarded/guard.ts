import { PruningInputError } from '../../parts/errors.js';
import { maskOf } from '../../parts/masked-weights.js';
import type { Updates } from '../../parts/masked-weights.js';

export interface GuardSettings {
  /** At most so many rounds a sub-block. */
  rounds: number;
  /** Ratios that may be tried, in (0, 1]. */
  ratios?: readonly number[];
  /** A round has to lower the error of its held-out windows by this share; else it is undone and the last. */
  tolerance: number;
  /** Forwards over all calibration windows, or their equal in matrix products, beyond the 4.33 of one published round. */
  budget: number;
}

/** Keeps a sub-block within three published rounds. Where its rounds are all undone in the end, that takes one forward more. */
export const guardDefaults: Readonly<Required<GuardSettings>> = {
  rounds: 8,
  ratios: [0.8, 0.4, 0.2, 0.1, 0.05, 0.025, 0.0125, 0.00625],
  tolerance: 0.01,
  budget: 8,
};

export type MaskMap = Map<string, Uint8Array>;

/** A sub-block's linears as they stand. */
export interface State {
  masks: MaskMap;
  /** Where they are not the dense ones. */
  updates?: Updates;
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
