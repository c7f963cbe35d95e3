import { tf } from '../../../engine/index.js';
import type { Tensor3D } from '../../../engine/index.js';
import type { SubBlock, Weights } from '../../../models/types.js';
import { decisionsOf } from '../guarded/guard-entry.js';
import { guardDefaults } from '../guarded/guard-defaults.js';
import { guardedRebuild } from '../guarded/guarded-rebuild.js';
import type { CommonSettings, SubBlockEntry } from '../method.js';
import type { Pattern } from '../../parts/pattern.js';
import type { State } from '../../parts/sub-block-state.js';

export interface RoundsStep {
  subBlock: SubBlock;
  /** The residual stream before the sub-block. Not disposed. */
  hidden: readonly Tensor3D[];
  dense: Weights;
  start: State;
  pattern: Pattern;
  common: CommonSettings;
  /** Forwards in addition to those of a published round. */
  budget: number;
}

/**
 * Runs rounds of LLM-Barber (Su et al. 2024) on the masks alone. Weights that come back have their dense values. The rounds decide how
 * many weights each row of each linear keeps, which a fit of single linears cannot change.
 */
export async function roundsStep({ subBlock, hidden, dense, start, pattern, common, budget }: RoundsStep): Promise<{ pruned: State; rounds: SubBlockEntry['rounds']; forwards: number }> {
  const settings = { ...common, weights: 'keep-updates', ratio: 1, pattern } as const;
  const made = await guardedRebuild({ subBlock, hidden: hidden.map((batch) => batch.clone()), dense, ...start, settings, guard: { ...guardDefaults, budget } });
  tf.dispose(made.hidden);
  return {
    pruned: { masks: made.masks, ...(made.updates && { updates: made.updates }) },
    rounds: decisionsOf(made.report).rounds,
    forwards: made.report.forwards,
  };
}
