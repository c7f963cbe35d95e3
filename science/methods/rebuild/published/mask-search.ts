import { selectsOnDevice } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/types.js';
import { maskOf } from '../../parts/masked-weights.js';
import type { Masks } from '../../parts/masked-weights.js';
import type { Granularity, Pattern } from '../../parts/pattern.js';
import { pairSelection } from '../../parts/pattern-pairs.js';
import { searchOnDevice } from './device-mask-search.js';
import { swapSelection } from './rebuild.js';
import { freeSwaps } from './swaps.js';

export interface MaskSearchRequest {
  linears: readonly LinearSpec[];
  /** Importance of every weight, `[out, in]`, >= 0, in the order of the linears. Taken over, and disposed with the search at the latest. */
  importance: readonly Tensor2D[];
  masks: Masks;
  pattern: Pattern;
  granularity: Granularity;
  /** For N:M: growths by row, as published, or pairs within a group (pattern-pairs.ts). */
  rule: 'published' | 'pairs';
}

/** Swaps that are ranked once for all ratios. */
export interface MaskSearch {
  /** Returns the masks after the swaps for a ratio in (0, 1]. The caller disposes them. */
  at(this: void, ratio: number): Masks;
  dispose(this: void): void;
}

/**
 * Ranks the swaps of a sub-block on the device, if the engine supports that, otherwise on the host. Both give exactly the same
 * masks.
 *
 * @throws NonFiniteScoreError, PatternError, PruningInputError
 */
export async function searchMasks(request: MaskSearchRequest): Promise<MaskSearch> {
  return selectsOnDevice() ? searchOnDevice(request) : searchOnHost(request);
}

async function searchOnHost({ linears, importance, masks, pattern, granularity, rule }: MaskSearchRequest): Promise<MaskSearch> {
  const values: Float32Array[] = [];
  for (const tensor of importance) {
    values.push(await tensor.data<'float32'>());
    tensor.dispose();
  }
  const common = {
    importance: values,
    masks: linears.map(({ name }) => maskOf(masks, name)),
    shapes: linears.map(({ shape }) => shape),
    names: linears.map(({ name }) => name),
  };
  const named = (selected: readonly Uint8Array[]): Masks => new Map(linears.map(({ name }, index) => [name, selected[index]]));
  const dispose = freeSwaps;
  if (pattern.kind === 'N:M' && rule === 'pairs') {
    const pairsAt = pairSelection({ ...common, pattern });
    return { at: (ratio) => named(pairsAt(ratio)), dispose };
  }
  const swapsAt = swapSelection({ ...common, pattern, granularity });
  return { at: (ratio) => named(swapsAt(ratio).masks), dispose };
}
