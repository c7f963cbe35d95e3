import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { layerForward } from '../../parts/layer-forward.js';
import { InputNorms } from '../../parts/statistics.js';
import type { InitialRun } from '../method.js';
import { masksOfSmallest } from '../smallest-scores.js';
import { wandaMask } from './wanda-mask.js';

/** Wanda (Sun et al. 2023): statistics of all linears from one forward of the layer while it is dense. */
export const run: InitialRun = async ({ layer, weights, hidden, targetOf }) => {
  const norms = new InputNorms();
  tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: norms.add }));
  const masks = await masksOfSmallest({ layer, weights, targetOf }, {
    subject: 'Wanda score',
    groups: 'output',
    onDevice: ({ name }, weight) => tf.tidy(() => weight.mul<Tensor2D>(tf.tensor1d(norms.norms(name)))),
    onHost: (linear, weight) => wandaMask(weight, norms.norms(linear.name), linear.shape, targetOf(linear), linear.name),
  });
  return { masks };
};
