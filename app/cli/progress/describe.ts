import { formatChange, formatDuration, formatNumber, formatInteger } from '../../report/index.js';
import type { PipelineProgress, RebuildEntry, StageProgress } from '../../../workflows/protocol.js';

/** `0.0123 -> 0.00451 (-63 %)`; for a guarded rebuild also its rounds: `0.0123 -> 0.00451 (-63 %, 3 of 4 rounds)` */
export function describeError({ errorBefore, errorAfter, rounds, refit }: RebuildEntry): string {
  const fitted = refit?.accepted === true ? ' and refit' : '';
  const made = rounds === undefined ? '' : `, ${rounds.filter(({ accepted }) => accepted).length} of ${rounds.length} rounds${fitted}`;
  return `${formatNumber(errorBefore)} -> ${formatNumber(errorAfter)} (${formatChange(errorBefore, errorAfter)}${made})`;
}

/** The outcome of a finished stage: `12 done in 3.4 s, 4 of them found`. */
export function describeEnd({ done, reused, seconds }: StageProgress): string {
  if (done > 0 && reused === done) return 'found, nothing to do';
  return `done in ${formatDuration(seconds)}${reused > 0 ? `, ${formatInteger(reused)} of ${formatInteger(done)} found` : ''}`;
}

/** Says that a run is paused, and how to continue it. */
export function describePause(pause: NonNullable<PipelineProgress['pause']>): string {
  return pause === 'asked' ? 'pausing after the layer in flight' : 'paused; `npx temporal-pipeline resume` lets it continue';
}
