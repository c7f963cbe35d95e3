import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/types.js';
import { visitInputs } from '../../parts/layer-forward.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import { InputNorms } from '../../parts/statistics.js';
import type { Gathered } from '../../parts/window-sums.js';
import { notesOfFew } from '../each-linear.js';
import { initialParts, runOfParts, type InitialRun } from '../method.js';
import { masksOfSmallest } from '../smallest-scores.js';
import { wandaMask } from './wanda-mask.js';

/** The statistics that Wanda gathers. */
interface Norms extends Gathered {
  norms: InputNorms;
  /** Number of tokens of each linear whose expert has too few. */
  few: Map<string, number>;
}

/** Everything is on the host, so there is nothing to dispose. Downloads omit `few`: models with experts do not support shards. */
function normsOf(norms: InputNorms, few = new Map<string, number>()): Norms {
  return { norms, few, download: () => Promise.resolve(norms.sums()), dispose: () => undefined };
}

/** Wanda (Sun et al. 2023): one forward of the dense layer gives the statistics of all linears. */
export const parts = initialParts({
  gather: async ({ layer, weights, hidden, minTokens }): Promise<Norms> => {
    const norms = new InputNorms();
    const counts = new TokenCounts(minTokens);
    await visitInputs({ layer, hidden, weights, onInput: norms.add, onSubBlock: counts.add });
    return normsOf(norms, counts.few());
  },
  restore: (_, sums) => normsOf(InputNorms.of(sums)),
  choose: async ({ layer, weights, targetOf }, { norms, few }) => {
    // With too few tokens, all input norms count as 1, so the mask is chosen by magnitude.
    const of = ({ name, shape }: LinearSpec): Float32Array => (few.has(name) ? new Float32Array(shape[1]).fill(1) : norms.norms(name));
    const masks = await masksOfSmallest({ layer, weights, targetOf }, {
      subject: 'Wanda score',
      groups: 'output',
      onDevice: (linear, weight) => tf.tidy(() => weight.mul<Tensor2D>(tf.tensor1d(of(linear)))),
      onHost: (linear, weight) => wandaMask(weight, of(linear), linear.shape, targetOf(linear), linear.name),
    });
    return { masks, notes: notesOfFew(few) };
  },
});

export const run: InitialRun = runOfParts(parts);
