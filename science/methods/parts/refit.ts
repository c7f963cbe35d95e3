import { weightOf } from '../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../models/types.js';
import { fitSubBlock, valuesOf } from './fit-sub-block.js';
import type { FittedLinear, SubBlockFit } from './fit-sub-block.js';
import { maskedLeastSquares } from './masked-least-squares.js';
import { maskOf } from './masked-weights.js';
import type { Masks, Updates } from './masked-weights.js';

export interface Refit extends Pick<SubBlockFit, 'subBlock' | 'dense' | 'each'> {
  masks: Masks;
  /** The linears' values before, to which damping pulls the new ones. Pruned weights are ignored. */
  start: Weights;
  /** Total number of tokens in the windows. */
  tokens: number;
  /** Rounds values to what the checkpoint will hold. */
  round?: (linear: string, values: Float32Array) => Float32Array;
}

/**
 * Fits new values for the kept weights of a sub-block, so that they compensate for the pruned ones. It runs least squares on the mask,
 * one linear after the other ({@link fitSubBlock}).
 *
 * The damping is inputs / tokens: with fewer tokens, weights stay closer to their start.
 *
 * @returns values `[out, in]` of every linear of the sub-block; those of pruned weights are arbitrary
 */
export async function refitSubBlock({ subBlock, dense, each, ...request }: Refit): Promise<Updates> {
  return valuesOf(await fitSubBlock({ subBlock, dense, each, fit: refitLinears(request) })).values;
}

/** Returns the fit of single linears on their masks. */
export function refitLinears({ masks, start, tokens, round = (_, values) => values }: Pick<Refit, 'masks' | 'start' | 'tokens' | 'round'>): SubBlockFit['fit'] {
  return async (linears, moments, targets) => {
    const made: FittedLinear[] = [];
    for (const [index, { name, shape }] of linears.entries()) {
      const mask = maskOf(masks, name);
      const values = await maskedLeastSquares({ ...moments, targets: targets[index], start: weightOf(start, name), mask, damping: shape[1] / Math.max(1, tokens) });
      made.push({ mask, values: round(name, values) });
    }
    return made;
  };
}

/**
 * Returns the cost of a refit in forwards of the sub-block over the same tokens. The steps of the fits are not counted, because they do
 * not grow with the tokens: at the size of LLaMA-7B they cost 0.2 to 0.35 forwards over 128 windows of 2048.
 */
export function refitForwards({ inputs, output }: Pick<SubBlock, 'inputs' | 'output'>): number {
  const size = ({ shape }: LinearSpec): number => shape[0] * shape[1];
  const read = inputs.reduce((sum, linear) => sum + size(linear), 0);
  const moments = (inputs[0]?.shape[1] ?? 0) ** 2 + output.shape[1] ** 2 + size(output);
  return (moments + read) / (read + size(output));
}
