import { tf } from '../../../engine/index.js';
import { layerForward } from '../../parts/layer-forward.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import { InputNorms } from '../../parts/statistics.js';
import { eachLinear, notesOfFew } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import { wandaMask } from './wanda-mask.js';

/** Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense. */
export const run: InitialRun = async ({ layer, weights, hidden, targetOf, minTokens }) => {
  const norms = new InputNorms();
  const counts = new TokenCounts(minTokens);
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add, onSubBlock: counts.add }));
  const few = counts.few();
  const masks = await eachLinear(layer, weights, (linear, values) => {
    const ofInputs = few.has(linear.name) ? new Float32Array(linear.shape[1]).fill(1) : norms.norms(linear.name);
    return wandaMask(values, ofInputs, linear.shape, targetOf(linear), linear.name);
  });
  return { masks, notes: notesOfFew(few) };
};
