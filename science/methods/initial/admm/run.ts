import { tf } from '../../../engine/index.js';
import type { Tensor, Tensor2D } from '../../../engine/index.js';
import type { LinearSpec } from '../../../models/index.js';
import { admm, type AdmmBudget } from '../../parts/admm.js';
import { checkPruned, groupBudget, type MaskTarget } from '../../parts/budget.js';
import { InputMoments, type SharedInput } from '../../parts/input-moments.js';
import { layerForward } from '../../parts/layer-forward.js';
import { defaultDamping } from '../damping.js';
import type { HessianNote, InitialRun } from '../method.js';
import { defaultIterations, type settings } from './method.js';

/**
 * ADMM (Meng et al. 2024; Boza 2024): each linear is to give on the pruned path what its dense weights give there. Linears that read
 * the same input are solved side by side, and share its inverses.
 */
export const run: InitialRun<typeof settings> = async ({ layer, weights, hidden, targetOf, settings: { damping = defaultDamping, iterations = defaultIterations }, round, onProgress }) => {
  const moments = new InputMoments();
  const masks = new Map<string, Uint8Array>();
  const updates = new Map<string, Float32Array>();
  const notes: HessianNote[] = [];
  try {
    tf.dispose(await layerForward({ layer, hidden, weights, keepInput: true, onInput: moments.add }));
    for (const { linears, sums } of moments.inputs) {
      const name = linears.map((linear) => linear.name).join(', ');
      onProgress(name);
      const { start, targets } = dense(linears, sums, weights);
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

/** The dense weights of linears that read one input, one above the other, and what they give. */
function dense(linears: readonly LinearSpec[], sums: SharedInput['sums'], weights: ReadonlyMap<string, Tensor>): { start: Tensor2D; targets: Tensor2D } {
  return tf.tidy(() => {
    const start = tf.concat(linears.map(({ name }) => weights.get(name) as Tensor2D), 0);
    return { start, targets: tf.matMul<Tensor2D>(start, sums.moments().products) };
  });
}

/** `floor(in * sparsity)` of every row, or as even a part of each linear's `pruned`. */
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
