import { tf } from '../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import { applyLinear, weightOf } from '../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../models/types.js';
import { maskedLeastSquares } from './masked-least-squares.js';
import { maskOf, maskedWeights } from './masked-weights.js';
import type { Masks } from './masked-weights.js';
import { TokenSums } from './token-sums.js';

export interface Refit {
  subBlock: SubBlock;
  dense: Weights;
  masks: Masks;
  /** The linears' values before, which damping holds them to; not read where pruned. */
  start: Weights;
  /** Visits windows in the same order each time: the sub-block's input x and its dense output y, `[batch, time, hidden]`. */
  each: (visit: (x: Tensor3D, y: Tensor3D) => void) => Promise<void>;
  /** How many tokens the windows have together. */
  tokens: number;
  /** Rounds values to what the checkpoint will hold. */
  round?: (linear: string, values: Float32Array) => Float32Array;
}

/**
 * New values for the weights that a sub-block has kept, so that they make up for those that went: least squares on the mask,
 * one linear after the other. The input linears are to give what the dense ones give; the output linear, which then reads the
 * others' new results, is to give the sub-block's dense output, so that it makes up for their errors too.
 *
 * Each weight is held to its start the more, the fewer tokens there are for its linear: the damping is inputs / tokens.
 *
 * @returns values `[out, in]` of every linear of the sub-block, anything where pruned
 */
export async function refitSubBlock({ subBlock, dense, masks, start, each, tokens, round = (_, values) => values }: Refit): Promise<Map<string, Float32Array>> {
  const { inputs, output } = subBlock;
  const values = new Map<string, Float32Array>();
  const sums = new TokenSums();
  const tensors: Tensor[] = [];
  const fit = async (linear: LinearSpec, targets: Tensor2D): Promise<void> => {
    const { name, shape } = linear;
    const fitted = await maskedLeastSquares({ ...sums.moments(), targets, start: weightOf(start, name), mask: maskOf(masks, name), damping: shape[1] / tokens })
      .finally(() => { targets.dispose(); });
    values.set(name, round(name, fitted));
  };
  try {
    await each((x) => { sums.add(x); });
    for (const linear of inputs) await fit(linear, tf.matMul<Tensor2D>(weightOf(dense, linear.name), sums.moments().products));
    sums.dispose();

    const fittedInputs = new Map(inputs.map(({ name }) => [name, weightOf(dense, name)]));
    const masked = maskedWeights(fittedInputs, masks, values);
    tensors.push(...masked.values());
    const weights = new Map([...dense, ...masked]);
    await each((x, y) => {
      const core = subBlock.core(inputs.map((linear) => applyLinear(x, linear, weights)), weights);
      sums.add(core, output.bias === undefined ? y : y.sub<Tensor3D>(weightOf<Tensor1D>(dense, output.bias)));
    });
    await fit(output, sums.targets());
    return values;
  } finally {
    sums.dispose();
    tf.dispose(tensors);
  }
}

/**
 * What a refit costs, in forwards of the sub-block over the same tokens. The steps of the fits are left out, which do not grow with
 * the tokens: at LLaMA-7B's size they are worth 0.2 to 0.35 forwards over 128 windows of 2048.
 */
export function refitForwards({ inputs, output }: Pick<SubBlock, 'inputs' | 'output'>): number {
  const size = ({ shape }: LinearSpec): number => shape[0] * shape[1];
  const read = inputs.reduce((sum, linear) => sum + size(linear), 0);
  const moments = (inputs[0]?.shape[1] ?? 0) ** 2 + output.shape[1] ** 2 + size(output);
  return (moments + read) / (read + size(output));
}
