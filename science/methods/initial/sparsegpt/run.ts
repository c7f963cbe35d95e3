import type { Tensor2D } from '../../../engine/index.js';
import { linearsOf, type DecoderLayer, type LinearSpec } from '../../../models/index.js';
import { factorHessian, plainFactor } from '../../parts/hessian-factor.js';
import { InputMoments } from '../../parts/input-moments.js';
import { visitInputs } from '../../parts/layer-forward.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import type { Gathered } from '../../parts/window-sums.js';
import { defaultDamping } from '../damping.js';
import { notesOfFew } from '../each-linear.js';
import { initialParts, runOfParts, type InitialRun, type StatisticsNote } from '../method.js';
import type { settings } from './method.js';
import { sparseGpt } from './sparsegpt.js';

/** The statistics that SparseGPT gathers. */
interface Hessians extends Gathered {
  moments: InputMoments;
  /** Number of tokens of each linear whose expert has too few. */
  few: Map<string, number>;
}

/** Downloads omit `few`: models with experts do not support shards. */
function hessiansOf(moments: InputMoments, few = new Map<string, number>()): Hessians {
  return { moments, few, download: () => moments.download(), dispose: () => { moments.dispose(); } };
}

/** SparseGPT (Frantar and Alistarh 2023): one forward of the dense layer gives the Hessians of all linears. */
export const parts = initialParts<typeof settings, Hessians>({
  gather: async ({ layer, weights, hidden, minTokens }) => {
    // A product over a whole batch would round differently and flip near ties. Each flip changes later choices.
    const moments = new InputMoments(sequencesTogether(layer));
    const counts = new TokenCounts(minTokens);
    try {
      await visitInputs({ layer, hidden, weights, onInput: moments.add, onSubBlock: counts.add });
      return hessiansOf(moments, counts.few());
    } catch (fault) {
      moments.dispose();
      throw fault;
    }
  },
  restore: (layer, sums) => hessiansOf(InputMoments.of(layer, sums)),
  choose: async ({ weights, targetOf, settings: { damping = defaultDamping }, round, onProgress }, { moments, few }) => {
    const masks = new Map<string, Uint8Array>();
    const updates = new Map<string, Float32Array>();
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
  },
});

export const run: InitialRun<typeof settings> = runOfParts(parts);

/**
 * Returns the number of sequences that one product covers: 1, or for an expert the number in which it reads one sequence's tokens on average.
 * Then a token costs the same number of products as in an MLP.
 */
function sequencesTogether({ subBlocks }: DecoderLayer): (linear: LinearSpec) => number {
  const counts = new Map(subBlocks.flatMap((subBlock) => linearsOf(subBlock).map(({ name }): [string, number] => [name, Math.floor(1 / (subBlock.expert?.share ?? 1) + 1e-9)])));
  return ({ name }) => counts.get(name) ?? 1;
}
