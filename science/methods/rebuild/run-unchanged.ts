import { tf } from '../../engine/index.js';
import { linearsOf } from '../../models/linears.js';
import { runSubBlock } from '../../models/sub-block.js';
import { firstState } from '../parts/sub-block-state.js';
import { passUnder } from './pass-under.js';
import type { SubBlockRebuild, SubBlockResult } from './sub-block.js';

/** Runs a sub-block without changing it. Returns the residual stream after it, and its error. Disposes `hidden`, even on failure. */
export async function runUnchanged({ subBlock, hidden, dense, masks, updates }: Omit<SubBlockRebuild, 'settings'>): Promise<SubBlockResult> {
  try {
    const state = firstState(linearsOf(subBlock), { masks, ...(updates && { updates }) });
    const { hidden: after, error } = await passUnder({ subBlock, dense, hidden, target: (_, x) => runSubBlock(subBlock, x, dense) }, state);
    return { hidden: after, masks: state.masks, ...(state.updates && { updates: new Map(state.updates) }), report: { errorBefore: error, errorAfter: error, grown: 0, pruned: 0 } };
  } finally {
    tf.dispose([...hidden]);
  }
}
