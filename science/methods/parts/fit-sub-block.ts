import { tf } from '../../engine/index.js';
import type { Tensor1D, Tensor2D, Tensor3D } from '../../engine/index.js';
import { applyLinear, weightOf } from '../../models/sub-block.js';
import type { LinearSpec, SubBlock, Weights } from '../../models/types.js';
import type { Moments } from './masked-least-squares.js';
import { masksOf, withMasked, type Masks, type Updates } from './masked-weights.js';
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

/** The fits of a sub-block's linears, by weight name. */
export type Fitted = ReadonlyMap<string, FittedLinear>;

export interface MaskedValues {
  masks: Masks;
  values: Updates;
}

/**
 * Fits the linears of a sub-block from sums over tokens: first the input linears, then the output linear. The input linears are fitted to
 * the outputs of their dense weights. The output linear then reads the new results of the input linears and is fitted to the dense
 * output of the sub-block, so that it also compensates for their errors.
 *
 * @returns by weight name
 */
export async function fitSubBlock({ each, ...request }: SubBlockFit): Promise<Fitted> {
  const read = new TokenSums();
  const written = new TokenSums();
  try {
    await each((x) => { read.add(x); });
    const fitted = await fitInputs(request, read);
    read.dispose();
    await addOutputs({ ...request, each }, valuesOf(fitted), written);
    return new Map([...fitted, ...await fitOutput(request, written)]);
  } finally {
    read.dispose();
    written.dispose();
  }
}

/** Fits the input linears. @param read sums of the sub-block's input */
export async function fitInputs({ subBlock: { inputs }, dense, fit }: Omit<SubBlockFit, 'each'>, read: TokenSums): Promise<Fitted> {
  const targets = inputs.map(({ name }) => tf.matMul<Tensor2D>(weightOf(dense, name), read.moments().products));
  return fitTo(inputs, fit, read, targets);
}

/** Sums what the output linear reads under the fits of the input linears, and what it should write. */
export async function addOutputs({ subBlock, dense, each }: Omit<SubBlockFit, 'fit'>, { masks, values }: MaskedValues, written: TokenSums): Promise<void> {
  const { inputs, output } = subBlock;
  await withMasked(dense, masksOf(inputs, masks), async (weights) => {
    await each((x, y) => {
      const core = subBlock.core(inputs.map((linear) => applyLinear(x, linear, weights)), weights);
      written.add(core, output.bias === undefined ? y : y.sub<Tensor3D>(weightOf<Tensor1D>(dense, output.bias)));
    });
  }, values);
}

/** Fits the output linear. @param written sums of {@link addOutputs} */
export async function fitOutput({ subBlock: { output }, fit }: Omit<SubBlockFit, 'each'>, written: TokenSums): Promise<Fitted> {
  return fitTo([output], fit, written, [written.targets()]);
}

/** Returns the masks and values of fits. */
export function valuesOf(fitted: Fitted): MaskedValues {
  return { masks: new Map([...fitted].map(([name, { mask }]) => [name, mask])), values: new Map([...fitted].map(([name, { values }]) => [name, values])) };
}

async function fitTo(linears: readonly LinearSpec[], fit: SubBlockFit['fit'], sums: TokenSums, targets: readonly Tensor2D[]): Promise<Fitted> {
  const made = await fit(linears, sums.moments(), targets).finally(() => { tf.dispose([...targets]); });
  return new Map(linears.map(({ name }, index) => [name, made[index]]));
}
