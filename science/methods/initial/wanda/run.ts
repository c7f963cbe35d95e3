import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/types.js';
import { layerForward } from '../../parts/layer-forward.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import { InputNorms } from '../../parts/statistics.js';
import { notesOfFew } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import { masksOfSmallest } from '../smallest-scores.js';
import { wandaMask } from './wanda-mask.js';

/** Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense. */
export const run: InitialRun = async ({ layer, weights, hidden, targetOf, minTokens }) => {
  const norms = new InputNorms();
  const counts = new TokenCounts(minTokens);
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add, onSubBlock: counts.add }));
  const few = counts.few();
  // Where too few tokens say how large the inputs are, all count as equally large: the mask is that of magnitudes.
  const normsOf = ({ name, shape }: LinearSpec): Float32Array => (few.has(name) ? new Float32Array(shape[1]).fill(1) : norms.norms(name));
  const masks = await masksOfSmallest({ layer, weights, targetOf }, {
    subject: 'Wanda score',
    groups: 'output',
    onDevice: (linear, weight) => tf.tidy(() => weight.mul<Tensor2D>(tf.tensor1d(normsOf(linear)))),
    onHost: (linear, weight) => wandaMask(weight, normsOf(linear), linear.shape, targetOf(linear), linear.name),
  });
  return { masks, notes: notesOfFew(few) };
};
