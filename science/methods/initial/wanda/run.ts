import { tf } from '../../../engine/index.js';
import { layerForward } from '../../parts/layer-forward.js';
import { InputNorms } from '../../parts/statistics.js';
import { eachLinear } from '../each-linear.js';
import type { InitialRun } from '../method.js';
import { wandaMask } from './wanda-mask.js';

/** Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense. */
export const run: InitialRun = async ({ layer, weights, hidden, targetOf }) => {
  const norms = new InputNorms();
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
  return { masks: await eachLinear(layer, weights, (linear, values) => wandaMask(values, norms.norms(linear.name), linear.shape, targetOf(linear), linear.name)) };
};
