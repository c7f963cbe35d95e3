import { change, duration, figure, grouped } from '../../report/index.js';
import type { RebuildEntry, StageProgress } from '../../workflows/protocol.js';

/** `0.0123 -> 0.00451 (-63 %)` */
export function describeError({ errorBefore, errorAfter }: RebuildEntry): string {
  return `${figure(errorBefore)} -> ${figure(errorAfter)} (${change(errorBefore, errorAfter)})`;
}

/** What a finished stage came to: `12 done in 3.4 s, 4 of them found`. */
export function describeEnd({ done, reused, seconds }: StageProgress): string {
  if (done > 0 && reused === done) return 'found, nothing to do';
  return `done in ${duration(seconds)}${reused > 0 ? `, ${grouped(reused)} of ${grouped(done)} found` : ''}`;
}
