import { tf } from '../../engine/index.js';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import { applyLinear, weightOf } from '../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../models/types.js';
import type { Moments } from './masked-least-squares.js';
import { maskedWeights } from './masked-weights.js';
import { TokenSums } from './token-sums.js';

/** The fit of one linear: its mask, and its values `[out, in]`. Values of pruned weights may be any finite number. */
export interface FittedLinear {
  mask: Uint8Array;
  values: Float32Array;
}

export interface SubBlockFit {
  subBlock: SubBlock;
  dense: Weights;
  /** Visits all windows, in the same order each time, with the sub-block's input x and its dense output y, `[batch, time, hidden]`. */
  each: (visit: (x: Tensor3D, y: Tensor3D) => void) => Promise<void>;
  /** Fits linears that read the same input, each to its target `sum y x^T`, `[out, in]`. Must not dispose the tensors. */
  fit: (linears: readonly LinearSpec[], moments: Moments, targets: readonly Tensor2D[]) => Promise<FittedLinear[]>;
}

/**
 * Fits the linears of a sub-block from sums over tokens: first the input linears, then the output linear. The input linears are fitted to
 * the outputs of their dense weights. The output linear then reads the new results of the input linears and is fitted to the dense
 * output of the sub-block, so that it also compensates for their errors.
 *
 * @returns by weight name
 */
export async function fitSubBlock({ subBlock, dense, each, fit }: SubBlockFit): Promise<Map<string, FittedLinear>> {
  const { inputs, output } = subBlock;
  const fitted = new Map<string, FittedLinear>();
  const sums = new TokenSums();
  const tensors: Tensor[] = [];
  const fitTo = async (linears: readonly LinearSpec[], targets: readonly Tensor2D[]): Promise<void> => {
    const made = await fit(linears, sums.moments(), targets).finally(() => { tf.dispose([...targets]); });
    linears.forEach(({ name }, index) => fitted.set(name, made[index]));
  };
  try {
    await each((x) => { sums.add(x); });
    await fitTo(inputs, inputs.map(({ name }) => tf.matMul<Tensor2D>(weightOf(dense, name), sums.moments().products)));
    sums.dispose();

    const fittedInputs = new Map(inputs.map(({ name }) => [name, weightOf(dense, name)]));
    const masks = new Map([...fitted].map(([name, { mask }]) => [name, mask]));
    const values = new Map([...fitted].map(([name, linear]) => [name, linear.values]));
    const masked = maskedWeights(fittedInputs, masks, values);
    tensors.push(...masked.values());
    const weights = new Map([...dense, ...masked]);
    await each((x, y) => {
      const core = subBlock.core(inputs.map((linear) => applyLinear(x, linear, weights)), weights);
      sums.add(core, output.bias === undefined ? y : y.sub<Tensor3D>(weightOf<Tensor1D>(dense, output.bias)));
    });
    await fitTo([output], [sums.targets()]);
    return fitted;
  } finally {
    sums.dispose();
    tf.dispose(tensors);
  }
}
