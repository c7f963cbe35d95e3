import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor2D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/index.js';
import { admm, type AdmmBudget } from '../../parts/admm.js';
import { checkPruned, groupBudget, type MaskTarget } from '../../parts/budget.js';
import { InputMoments } from '../../parts/input-moments.js';
import { visitInputs } from '../../parts/layer-forward.js';
import type { Moments } from '../../parts/masked-least-squares.js';
import { TokenCounts } from '../../parts/routed-tokens.js';
import { defaultDamping } from '../damping.js';
import { notesOfFew, valuesOf } from '../each-linear.js';
import type { InitialRun, StatisticsNote } from '../method.js';
import { wandaMask } from '../wanda/wanda-mask.js';
import { defaultIterations, type settings } from './method.js';

/**
 * ADMM (Meng et al. 2024; Boza 2024): on the pruned path, each linear should give the same output as its dense weights. Linears that
 * read the same input are solved together and share its inverses.
 */
export const run: InitialRun<typeof settings> = async ({ layer, weights, hidden, targetOf, settings: { damping = defaultDamping, iterations = defaultIterations }, minTokens, round, onProgress }) => {
  const moments = new InputMoments();
  const counts = new TokenCounts(minTokens);
  const masks = new Map<string, Uint8Array>();
  const updates = new Map<string, Float32Array>();
  const notes: StatisticsNote[] = [];
  try {
    await visitInputs({ layer, hidden, weights, onInput: moments.add, onSubBlock: counts.add });
    const few = counts.few();
    notes.push(...notesOfFew(few));
    for (const { linears, sums } of moments.inputs) {
      const name = linears.map((linear) => linear.name).join(', ');
      onProgress(name);
      if (few.has(linears[0].name)) {
        // Too few tokens for the correlations of the inputs. The mask depends on `|W|` alone, and kept weights are not updated.
        for (const linear of linears) {
          const values = await valuesOf(weights, linear);
          masks.set(linear.name, wandaMask(values, new Float32Array(linear.shape[1]).fill(1), linear.shape, targetOf(linear), linear.name));
          updates.set(linear.name, round(linear.name, values));
        }
        continue;
      }
      const { start, targets } = dense(linears, sums.moments(), weights);
      const made = await admm({ ...sums.moments(), targets, start, damping, iterations, name, budget: budgetOf(linears, targetOf) }).finally(() => { tf.dispose([start, targets]); });
      sums.dispose();
      let from = 0;
      for (const linear of linears) {
        const to = from + linear.shape[0] * linear.shape[1];
        masks.set(linear.name, made.mask.slice(from, to));
        updates.set(linear.name, round(linear.name, made.weight.slice(from, to)));
        if (made.dead > 0) notes.push({ linear: linear.name, damping, deadInputs: made.dead });
        from = to;
      }
    }
    return { masks, updates, notes };
  } finally {
    moments.dispose();
  }
};

/** Returns the dense weights of linears that read one input, stacked by rows, and their products with the input moments. */
function dense(linears: readonly LinearSpec[], { products }: Moments, weights: ReadonlyMap<string, Tensor>): { start: Tensor2D; targets: Tensor2D } {
  return tf.tidy(() => {
    const start = tf.concat(linears.map(({ name }) => weights.get(name) as Tensor2D), 0);
    return { start, targets: tf.matMul<Tensor2D>(start, products) };
  });
}

/** Returns the budget of every row: `floor(in * sparsity)`, or an even share of the linear's `pruned`. */
function budgetOf(linears: readonly LinearSpec[], targetOf: (linear: LinearSpec) => MaskTarget): AdmmBudget {
  const rows = linears.flatMap((linear) => {
    const target = targetOf(linear);
    const [outputs, size] = linear.shape;
    checkPruned(target, outputs * size, linear.name);
    return Array.from({ length: outputs }, (_, row) => groupBudget(target, { from: row, to: row + 1, of: outputs, size }));
  });
  const { pattern } = targetOf(linears[0]);
  return pattern.kind === 'N:M' ? pattern : Uint32Array.from(rows);
}
