import { tf } from '../../../engine/index.js';
import type { Tensor2D } from '../../../engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../../../models/index.js';
import { factorHessian, plainFactor } from '../../parts/hessian-factor.js';
import { InputMoments } from '../../parts/input-moments.js';
import { layerForward } from '../../parts/layer-forward.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import { defaultDamping } from '../damping.js';
import { notesOfFew } from '../each-linear.js';
import type { InitialRun, StatisticsNote } from '../method.js';
import type { settings } from './method.js';
import { sparseGpt } from './sparsegpt.js';

/** SparseGPT (Frantar and Alistarh 2023): Hessians of all linears from one forward of the layer while it is dense. */
export const run: InitialRun<typeof settings> = async ({ layer, weights, hidden, targetOf, settings: { damping = defaultDamping }, minTokens, round, onProgress }) => {
  // A product over a whole batch would move near ties, and each moved one moves others after it.
  const moments = new InputMoments(sequencesTogether(layer));
  const counts = new TokenCounts(minTokens);
  const masks = new Map<string, Uint8Array>();
  const updates = new Map<string, Float32Array>();
  try {
    tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: moments.add, onSubBlock: counts.add }));
    const few = counts.few();
    const notes: StatisticsNote[] = notesOfFew(few);
    for (const { linears, sums } of moments.inputs) {
      const [{ name: first, shape: [, inputs] }] = linears;
      const factor = few.has(first) ? plainFactor(inputs, damping) : await factorHessian(sums.products(), damping, first);
      sums.dispose();
      try {
        for (const linear of linears) {
          const { name } = linear;
          onProgress(name);
          const made = await sparseGpt({ weight: weights.get(name) as Tensor2D, factor, target: targetOf(linear), name });
          masks.set(name, made.mask);
          updates.set(name, round(name, made.weight));
          if (factor.damping > damping || factor.dead.length > 0) notes.push({ linear: name, damping: factor.damping, deadInputs: factor.dead.length });
        }
      } finally {
        factor.dispose();
      }
    }
    return { masks, updates, notes };
  } finally {
    moments.dispose();
  }
};

/** One sequence, and of an expert as many as have the tokens of one on average: then a token costs as many products as in an MLP. */
function sequencesTogether({ subBlocks }: DecoderLayer): (linear: LinearSpec) => number {
  const counts = new Map(subBlocks.flatMap((subBlock) => linearsOf(subBlock).map(({ name }): [string, number] => [name, Math.floor(1 / (subBlock.expert?.share ?? 1) + 1e-9)])));
  return ({ name }) => counts.get(name) ?? 1;
}
