import type { LinearSpec, Weights } from '../../models/types.js';
import { weightOf } from '../../models/sub-block.js';
import type { Masks, Updates } from '../parts/masked-weights.js';
import type { KeepWeights } from './method.js';

/**
 * Returns the values from which a rebuild takes its weights (step 4 of LLM-Barber, Su et al. 2024). They do not depend on the new mask.
 * With `keep-updates` and `refit`, weights kept at the start have their updated value. All others have the dense value.
 *
 * @param masks the masks at the start
 * @returns values `[out, in]` of the linears that have updates; undefined if all are dense
 */
export async function rebuildBase(
  linears: readonly LinearSpec[],
  { dense, masks, updates, weights = 'keep-dense' }: { dense: Weights; masks: Masks; updates?: Updates; weights?: KeepWeights },
): Promise<Map<string, Float32Array> | undefined> {
  if (updates === undefined || weights === 'keep-dense') return undefined;
  const base = new Map<string, Float32Array>();
  for (const { name } of linears) {
    const [updated, mask] = [updates.get(name), masks.get(name)];
    if (updated === undefined || mask === undefined) continue;
    const values = (await weightOf(dense, name).data<'float32'>()).slice();
    for (let i = 0; i < values.length; i++) {
      if (mask[i] === 1) values[i] = updated[i];
    }
    base.set(name, values);
  }
  return base.size === 0 ? undefined : base;
}
