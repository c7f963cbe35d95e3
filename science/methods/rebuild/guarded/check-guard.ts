import { PruningInputError } from '../../parts/errors.js';
import type { GuardSettings } from './guard-defaults.js';

/** Checks the settings of the guard. @throws PruningInputError for settings that are out of range */
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
